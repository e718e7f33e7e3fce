"""Who may open which page: every portal route, every role."""

import re

import pytest
from django.urls import get_resolver

from tenants.checks import routes
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
    "/reports/": "reports:read",
    "/reports/products/": "reports:read",
    "/reports/customers/": "reports:read",
    "/reports/cohorts/": "reports:read",
    "/reports/stock/": "reports:read",
    "/stock/": "stock:read",
    "/stock/movements/": "stock:read",
    "/stock/locations/": "stock:read",
    "/stock/locations/new/": "stock:write",
    "/stock/transfers/": "stock:read",
    "/stock/transfers/new/": "stock:write",
    "/stock/counts/": "stock:read",
    "/stock/counts/new/": "stock:write",
    "/products/{product}/images/": "products:write",
    "/usage/": "usage:read",
    "/billing/": "billing:manage",
    "/billing/next-invoice/": "billing:manage",
    "/billing/plans/": "billing:manage",
    "/billing/invoices/": "billing:manage",
    "/billing/what-if/": "billing:manage",
    "/usage/cap/": "billing:manage",
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

# Parts of pages and moves that need a record of a certain state: tests/isolation/doors opens them with every role.
WALKED_BY_ROUTE = {
    "orders/<uuid:pk>/payments/<uuid:payment_pk>/<slug:outcome>/": "orders:write",
    "orders/<uuid:pk>/<slug:move>/": "orders:write",
    "orders/invoices/<uuid:pk>/pdf/": "invoices:read",
    "products/categories/<uuid:below>/new/": "products:write",
    "products/edit/": "products:write",
    "products/edit/<slug:word>/undo/": "products:write",
    "products/<uuid:pk>/images/<uuid:image_id>/": "products:write",
    "products/<uuid:pk>/images/<uuid:image_id>/remove/": "products:write",
    "products/<uuid:pk>/options/": "products:write",
    "products/<uuid:pk>/variants/": "products:write",
    "products/<uuid:pk>/variants/new/": "products:write",
    "products/<uuid:pk>/variants/generate/": "products:write",
    "stock/locations/<uuid:pk>/": "stock:read",
    "stock/locations/<uuid:pk>/edit/": "stock:write",
    "stock/locations/<uuid:pk>/default/": "stock:write",
    "stock/locations/<uuid:pk>/archive/": "stock:write",
    "stock/transfers/<uuid:pk>/": "stock:read",
    "stock/transfers/<uuid:pk>/lines/": "stock:write",
    "stock/transfers/<uuid:pk>/receive/": "stock:write",
    "stock/transfers/<uuid:pk>/<slug:move>/": "stock:write",
    "stock/counts/<uuid:pk>/": "stock:read",
    "stock/counts/<uuid:pk>/lines/": "stock:write",
    "stock/counts/<uuid:pk>/<slug:move>/": "stock:write",
    "billing/plans/<slug:plan>/": "billing:manage",
    "billing/invoices/<uuid:pk>/": "billing:manage",
    "billing/checkout/": "billing:manage",
    "billing/cancel/": "billing:manage",
    "billing/resume/": "billing:manage",
    "billing/card/": "billing:manage",
    "billing/tax-id/": "billing:manage",
    "billing/promotion-code/": "billing:manage",
    "imports/<uuid:pk>/columns/": "imports:write",
    "imports/<uuid:pk>/<slug:move>/": "imports:write",
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


def test_the_tables_above_have_every_page_of_the_portal_with_its_verb():
    declared = {
        shape_of(path): pattern.callback.verb
        for path, pattern in routes(get_resolver())
        if hasattr(pattern.callback, "verb")
    }
    tables = PAGES | IMPORT_PAGES | ACTIONS | WALKED_BY_ROUTE
    # Open to everybody, for what is their own: who may not manage others' is not told that there is any.
    tables |= dict.fromkeys(OWN_ACTIONS, "sessions:own") | dict.fromkeys(HIDDEN, "tokens:own")
    known = {shape_of(path): verb for path, verb in tables.items()}
    assert set(declared) - set(known) == set()
    assert {path: known[path] for path in declared if known[path] != declared[path]} == {}


def shape_of(path: str) -> str:
    """A path with its varying parts left open, as a route and as the tables write it."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "*", path.partition("?")[0]).strip("/")


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
