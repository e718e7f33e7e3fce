"""Who may open which page: every portal route, every role."""

import pytest

from tenants.users.permissions import ROLE_VERBS
from tests.portal.shop import an_import

PAGES = {
    "/": "orders:read",
    "/search/": "orders:read",
    "/orders/": "orders:read",
    "/orders/{paid}/": "orders:read",
    "/orders/new/": "orders:write",
    "/orders/{draft}/edit/": "orders:write",
    "/orders/{draft}/details/": "orders:write",
    "/orders/{paid}/cancel/": "orders:write",
    "/orders/{placed}/pay/": "orders:write",
    "/orders/{paid}/close-short/": "orders:write",
    "/orders/{paid}/refund/": "orders:write",
    "/orders/{paid}/fulfil/": "orders:write",
    "/orders/{closed}/return/": "orders:write",
    "/orders/{paid}/packing-slip/": "orders:read",
    "/settings/taxes/": "taxes:manage",
    "/settings/taxes/{tax_rule}/": "taxes:manage",
    "/settings/taxes/new/": "taxes:manage",
    "/orders/{draft}/discard/": "orders:write",
    "/orders/invoices/": "invoices:read",
    "/orders/invoices/{invoice}/": "invoices:read",
    "/orders/invoices/{invoice}/credit/": "invoices:write",
    "/settings/invoices/": "invoices:manage",
    "/customers/": "customers:read",
    "/customers/options/": "customers:read",
    "/customers/{customer}/": "customers:read",
    "/customers/new/": "customers:write",
    "/customers/{customer}/edit/": "customers:write",
    "/customers/{customer}/merge/": "customers:write",
    "/customers/{customer}/erase/": "customers:write",
    "/customers/{customer}/addresses/new/": "customers:write",
    "/customers/addresses/{address}/": "customers:write",
    "/customers/{customer}/notes/new/": "customers:write",
    "/products/": "products:read",
    "/products/options/": "products:read",
    "/products/categories/": "products:read",
    "/products/{product}/": "products:read",
    "/products/{product}/stock/": "stock:read",
    "/products/new/": "products:write",
    "/products/{product}/edit/": "products:write",
    "/products/{product}/archive/": "products:write",
    "/products/{product}/receive/": "stock:write",
    "/products/{product}/adjust/": "stock:write",
    "/products/categories/new/": "products:write",
    "/products/categories/{category}/": "products:write",
    "/products/categories/{category}/delete/": "products:write",
    "/imports/": "imports:read",
    "/imports/new/": "imports:write",
    "/settings/workspace/": "workspace:manage",
    "/settings/domains/": "domains:manage",
    "/settings/domains/new/": "domains:manage",
    "/settings/domains/{domain}/": "domains:manage",
    "/settings/domains/{domain}/primary/": "domains:manage",
    "/settings/domains/{domain}/step-down/": "domains:manage",
    "/settings/domains/{domain}/release/": "domains:manage",
    "/settings/webhooks/": "webhooks:manage",
    "/settings/webhooks/new/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/edit/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/secret/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/replay/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/delete/": "webhooks:manage",
    "/settings/webhooks/deliveries/{delivery}/": "webhooks:manage",
    "/settings/tokens/": "tokens:own",
    "/settings/tokens/new/": "tokens:own",
    "/settings/sessions/": "sessions:own",
    "/settings/team/": "team:manage",
    "/settings/team/new/": "team:manage",
    "/settings/team/{owner}/": "team:manage",
    "/settings/team/{owner}/revoke/": "team:manage",
    "/settings/team/{owner}/deactivate/": "team:manage",
}
# To those without the right they are not there: everybody has some of their own.
HIDDEN = {
    "/settings/tokens/{token}/rotate/": "tokens:manage",
    "/settings/tokens/{token}/revoke/": "tokens:manage",
}
# Which everybody may, with what is theirs.
OWN_ACTIONS = ("/settings/sessions/end/", "/settings/sessions/{sign_in}/end/")
IMPORT_PAGES = {
    "/imports/{0}/": "imports:read",
    "/imports/{0}/rejected/": "imports:read",
    "/imports/{0}/rejected.csv": "imports:read",
    "/imports/{0}/delete/": "imports:write",
}
ACTIONS = {
    "/customers/addresses/{address}/remove/": "customers:write",
    "/customers/notes/{note}/remove/": "customers:write",
    "/orders/invoices/issue/{paid}/": "invoices:write",
    "/orders/invoices/{invoice}/retry/": "invoices:write",
    "/orders/{draft}/place/": "orders:write",
    "/orders/{placed}/payments/{product}/arrived/": "orders:write",
    "/products/{archived}/restore/": "products:write",
    "/settings/domains/{domain}/check/": "domains:manage",
    "/settings/team/{owner}/resend/": "team:manage",
    "/settings/team/{owner}/reactivate/": "team:manage",
    "/settings/webhooks/{endpoint}/test/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/pause/": "webhooks:manage",
    "/settings/webhooks/{endpoint}/resume/": "webhooks:manage",
    "/settings/webhooks/deliveries/{delivery}/replay/": "webhooks:manage",
}


def expected(role: str, verb: str) -> int:
    return 200 if verb in ROLE_VERBS[role] else 403


@pytest.mark.parametrize("role", ["owner", "admin", "member", "viewer"])
def test_each_page_opens_for_the_roles_that_include_its_verb(browser_of, shop, acme, role):
    browser, job = browser_of(role), an_import(acme, start=False)
    pages = {shop.path(path): verb for path, verb in PAGES.items()}
    pages |= {path.format(job.pk): verb for path, verb in IMPORT_PAGES.items()}
    found = {path: browser.get(path).status_code for path in pages}
    assert found == {path: expected(role, verb) for path, verb in pages.items()}
    hidden = {path: browser.get(shop.path(path)).status_code for path in HIDDEN}
    assert hidden == {path: 200 if verb in ROLE_VERBS[role] else 404 for path, verb in HIDDEN.items()}


def test_a_viewer_changes_nothing(browser_of, shop, acme):
    browser = browser_of("viewer")
    for path in (*ACTIONS, *(path for path, verb in PAGES.items() if verb.endswith(":write"))):
        answer = browser.post(shop.path(path), {})
        assert answer.status_code == 403, path
    assert b"orders:write" in browser.get("/orders/new/").content


def test_a_viewer_is_not_shown_what_is_refused(browser_of, shop):
    browser = browser_of("viewer")
    for path in ("/products/", "/orders/", shop.path("/orders/{paid}/"), shop.path("/products/{product}/")):
        page = browser.get(path).content.decode()
        for word in ("New product", "New order", "Fulfil order", "Receive stock", "Settings"):
            assert word not in page, (path, word)


def test_every_page_sends_strangers_to_the_sign_in_page(visitor, shop):
    for path in PAGES:
        answer = visitor.get(shop.path(path))
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/sign-in/?next="), path


def test_ids_of_the_neighbour_are_unknown_here(client_of, globex, stranger, shop, acme):
    job = an_import(acme, start=False)
    neighbour = client_of(globex, stranger)
    for path in (*PAGES, *ACTIONS):
        if "{" in path:
            assert neighbour.get(shop.path(path)).status_code in {404, 405}, path
            assert neighbour.post(shop.path(path), {}).status_code in {404, 405}, path
    for path in IMPORT_PAGES:
        assert neighbour.get(path.format(job.pk)).status_code == 404, path


def test_a_session_of_the_neighbour_opens_nothing(client_of, globex, stranger, acme):
    neighbour = client_of(globex, stranger)
    neighbour.defaults["HTTP_HOST"] = acme.host
    assert neighbour.get("/", headers={"host": acme.host})["Location"].startswith("/sign-in/")


def test_an_unknown_page_says_so(browser):
    answer = browser.get("/nothing/here/")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content
