"""The portal in a real browser: no barrier, no foreign request, nothing refused by the policy; keys and dialogs."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.utils import timezone
from playwright.sync_api import expect

from shared_apps.clients.standing import set_standing
from tenant_apps.orders.customers.services import create_customer
from tenants.audit.actors import Actor
from tenants.context import unit_of_work
from tests.cast import PASSWORD
from tests.portal.browsing import needs_chromium
from tests.portal.live import LOOKS, PHONE, Visit
from tests.portal.shop import LINES, a_finished_import, an_import
from tests.products.builders import CLERK

pytestmark = needs_chromium

# Faster than any hand: a form that htmx does not know yet would leave the page.
SEND_AT_ONCE = """() => new MutationObserver((changes, watcher) => {
    watcher.disconnect();
    const form = dialog.querySelector("form");
    form.noValidate = true;
    form.requestSubmit();
}).observe(dialog, {attributeFilter: ["open"]})"""

PAGES = [
    "/",
    "/search/?q=a",
    "/orders/",
    "/orders/?q=zeppelin",
    "/orders/new/",
    "/orders/{draft}/",
    "/orders/{draft}/edit/",
    "/orders/{draft}/details/",
    "/orders/{paid}/",
    "/orders/{cancelled}/",
    "/orders/{paid}/cancel/",
    "/orders/{placed}/pay/",
    "/orders/{paid}/fulfil/",
    "/orders/{closed}/return/",
    "/orders/{closed}/refund/",
    "/orders/{paid}/packing-slip/",
    "/orders/{paid}/edit/",
    "/settings/taxes/",
    "/settings/taxes/new/",
    "/customers/",
    "/customers/{customer}/",
    "/customers/new/",
    "/products/",
    "/products/new/",
    "/products/{product}/",
    "/products/{product}/edit/",
    "/products/{product}/stock/",
    "/products/{product}/receive/",
    "/products/{product}/images/",
    "/products/{product}/images/{image}/remove/",
    "/products/{product}/options/",
    "/products/{shirt}/",
    "/products/{shirt}/edit/",
    "/products/{shirt}/variants/new/",
    "/products/categories/",
    "/products/categories/{category}/",
    "/stock/",
    "/stock/movements/",
    "/stock/locations/",
    "/stock/locations/new/",
    "/stock/locations/{place}/",
    "/stock/transfers/",
    "/stock/transfers/new/",
    "/stock/transfers/{transfer}/",
    "/stock/transfers/{sent}/receive/",
    "/stock/counts/new/",
    "/stock/counts/{count}/",
    "/imports/new/",
    "/reports/?compare=previous",
    "/reports/products/",
    "/reports/customers/",
    "/reports/cohorts/",
    "/reports/stock/",
    "/settings/domains/",
    "/settings/domains/new/",
    "/settings/domains/{domain}/",
    "/settings/domains/{domain}/primary/",
    "/settings/domains/{domain}/release/",
    "/settings/webhooks/",
    "/settings/webhooks/new/",
    "/settings/webhooks/{endpoint}/",
    "/settings/webhooks/{endpoint}/replay/",
    "/settings/webhooks/deliveries/{delivery}/",
    "/settings/tokens/",
    "/settings/tokens/new/",
    "/settings/tokens/{token}/rotate/",
    "/settings/sessions/",
    "/settings/team/",
    "/settings/team/new/",
    "/settings/team/{owner}/",
    "/usage/",
    "/billing/",
    "/billing/invoices/",
    "/billing/next-invoice/",
    "/billing/plans/",
    "/billing/plans/free/",
    "/billing/plans/team/",
    "/billing/what-if/?orders_placed=2",
    "/usage/cap/",
    "/nothing/",
]
EMPTY_PAGES = ["/", "/orders/", "/products/", "/customers/", "/imports/", "/settings/tokens/"]
PUBLIC_PAGES = ["/", "/sign-up/", "/find/"]
GATES = ["/sign-in/", "/forgot/", "/verify-email/nonsense/"]


def batched(paths: list[str], size: int) -> Iterator[list[str]]:
    """Lists of at most so many."""
    return (paths[start : start + size] for start in range(0, len(paths), size))


def suggestions(page: Any) -> Any:
    """What a combobox offers, and not the options of other fields."""
    return page.get_by_role("listbox").get_by_role("option")


def barriers_everywhere(visit: Visit) -> dict[str, list[str]]:
    """What axe finds in each look, and whether the page is wider than the window; first as the last one was shown."""
    found = {}
    for look in sorted(LOOKS, key=lambda look: look != visit.look):
        visit.show(look)
        found[f"{look[0]} {look[1]['width']}"] = visit.barriers() + sideways(visit, look[1]["width"])
    return {where: what for where, what in found.items() if what}


def sideways(visit: Visit, most: int) -> list[str]:
    """Whether it takes scrolling to see all of the page."""
    width = visit.page.evaluate("document.documentElement.scrollWidth")
    return [f"{width} pixels wide"] if width > most else []


# Some pages a test: the shop is filled and the tab is opened once for them.
@pytest.mark.parametrize("paths", list(batched(PAGES, 16)), ids=lambda paths: paths[0])
def test_pages_have_no_barriers_and_nothing_scrolls_sideways_on_a_phone(tab, browser, shop, paths):
    visit, found = tab(browser), {}
    for path in paths:
        visit.expected = {404} if path == "/nothing/" else set()
        visit.open(shop.path(path))
        found[path] = barriers_everywhere(visit)
    assert {path: what for path, what in found.items() if what} == {}


def test_empty_pages_have_no_barriers(tab, browser):
    visit = tab(browser)
    for path in EMPTY_PAGES:
        visit.open(path)
        assert barriers_everywhere(visit) == {}, path


def test_the_gates_have_no_barriers(tab):
    visit = tab()
    visit.expected = {410}
    for path in GATES:
        visit.open(path)
        assert barriers_everywhere(visit) == {}, path


def test_the_public_pages_have_no_barriers(tab):
    visit = tab(host=settings.PUBLIC_HOST)
    for path in PUBLIC_PAGES:
        visit.open(path)
        assert barriers_everywhere(visit) == {}, path


def test_the_pages_of_an_import_have_no_barriers(tab, browser, acme):
    visit = tab(browser)
    for job in (an_import(acme, start=False), a_finished_import(acme, LINES.replace("5363", "6363"))):
        visit.open(f"/imports/{job.pk}/")
        assert barriers_everywhere(visit) == {}
    visit.open(f"/imports/{job.pk}/rejected/")
    assert barriers_everywhere(visit) == {}
    visit.open(f"/imports/{an_import(acme).pk}/")
    assert barriers_everywhere(visit) == {}


def test_what_opens_over_the_page_has_no_barriers(tab, browser, shop):
    visit = tab(browser, viewport=PHONE)
    page = visit.open(shop.path("/products/{low}/"))
    for opener, opened in (
        ("[popovertarget=rail]", "#rail:popover-open"),
        ("[popovertarget=person-menu]", "#person-menu:popover-open"),
        ("text=Receive stock", "#dialog[open]"),
        ("[data-palette]", "#palette[open]"),
    ):
        page.click(opener)
        page.wait_for_selector(opened)
        assert visit.barriers() == []
        page.keyboard.press("Escape")
        page.wait_for_selector(opened, state="detached")


def test_a_person_signs_in_with_the_keyboard_alone(tab):
    page = tab().open("/orders/")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("owner@acme.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No orders yet")).to_be_visible()


def test_a_refused_form_puts_the_focus_on_its_summary(tab):
    visit = tab()
    visit.expected = {422}
    page = visit.open("/sign-in/")
    page.fill("[name=email]", "owner@acme.example")
    page.fill("[name=password]", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_be_focused()


def test_the_first_tab_skips_to_the_content(tab, browser, shop):
    page = tab(browser).open("/orders/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_keys_search_go_and_help(tab, browser, shop):
    page = tab(browser).open("/orders/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search number")).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    # The second key has to come within a second.
    page.clock.set_fixed_time(timezone.now())
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="Products", exact=True)).to_be_visible()


def test_letters_in_a_field_are_only_letters(tab, browser, shop):
    page = tab(browser).open("/orders/")
    page.get_by_role("searchbox").press_sequentially("g/?p")
    expect(page.get_by_role("searchbox")).to_have_value("g/?p")
    assert page.url.endswith("/orders/") or "q=" in page.url


def test_the_palette_finds_and_opens(tab, browser, shop):
    page = tab(browser).open("/")
    page.keyboard.press("Control+k")
    # A part of the word finds it too; to leave while the rest is asked for would be told as an error.
    with page.expect_response(re.compile("=enamel(&|$)")):
        page.keyboard.type("enamel")
    expect(page.locator("#palette-results a")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Enamel jug")).to_be_visible()


def test_the_arrows_walk_the_palette(tab, browser, shop):
    page = tab(browser).open("/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-results a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette-results a").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#palette input")).to_be_focused()


def test_a_list_is_searched_as_one_types_and_the_address_keeps_it(tab, browser, shop):
    page = tab(browser).open("/products/")
    before = page.locator("#results tbody tr").count()
    assert before > 1
    page.get_by_role("searchbox").fill("oak")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    assert "q=oak" in page.url
    page.reload()
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.go_back()
    expect(page.locator("#results tbody tr")).to_have_count(before)


def test_a_dialog_keeps_the_focus_and_gives_it_back(tab, browser, shop):
    visit = tab(browser)
    visit.expected = {422}
    page = visit.open(shop.path("/products/{low}/"))
    page.get_by_role("link", name="Receive stock").press("Enter")
    dialog = page.get_by_role("dialog", name="Receive stock")
    expect(dialog.get_by_label("Quantity")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Receive stock")).to_be_focused()


def test_a_refusal_stays_in_the_dialog_and_a_success_is_said(tab, browser, shop):
    visit = tab(browser)
    visit.expected = {422}
    page = visit.open(shop.path("/products/{product}/"))
    page.click("text=Adjust stock")
    page.get_by_label("Counted on the shelf").fill("0")
    page.get_by_label("Reason").fill("Lost")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .summary")).to_be_focused()
    page.get_by_label("Counted on the shelf").fill("50")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("The books now say 50.")).to_be_visible()


def test_a_dialog_answers_from_the_moment_it_is_seen(tab, browser, shop):
    visit = tab(browser)
    visit.expected = {422}
    page = visit.open(shop.path("/products/{product}/"))
    page.evaluate(SEND_AT_ONCE)
    page.click("text=Adjust stock")
    expect(page.locator("dialog .summary")).to_be_focused()


def test_ticked_products_are_changed_together_and_changed_back(tab, browser, shop):
    visit = tab(browser, viewport=PHONE)
    page = visit.open("/products/")
    page.get_by_label("Choose Oak tray").check()
    page.get_by_label("Choose Shirt").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    assert visit.barriers() == []
    page.get_by_role("button", name="Archive").click()
    dialog = page.locator("#dialog[open]")
    expect(dialog.get_by_label("Status")).to_have_value("archived")
    assert visit.barriers() == []
    dialog.get_by_role("button", name="Change 2 products").click()
    expect(page.get_by_role("link", name="Oak tray")).to_have_count(0)
    assert visit.barriers() == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Oak tray")).to_be_visible()


def test_errors_stay_and_successes_go(tab, browser, shop):
    visit = tab(browser)
    page = visit.open(shop.path("/orders/{draft}/"))
    other = visit.page.context.new_page()
    clock = visit.page.context.clock
    clock.install()
    other.goto(page.url)
    page.reload()
    other.click("text=Place order")
    expect(other.locator(".toast--success")).to_be_visible()
    page.click("text=Place order")
    expect(page.locator(".toast--error")).to_contain_text("cannot make the move")
    clock.fast_forward(60_000)
    expect(other.locator(".toast")).to_have_count(0)
    expect(page.locator(".toast--error")).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_an_order_is_written_with_the_keyboard(tab, browser, shop):
    page = tab(browser).open("/orders/new/")
    page.get_by_role("combobox", name="Customer").focus()
    page.keyboard.type("ada")
    expect(page.get_by_role("option", name="Ada Lovelace")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Customer")).to_have_value("C-17")
    page.get_by_role("combobox", name="Product of line 1").focus()
    page.keyboard.type("enamel")
    expect(suggestions(page)).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Quantity of line 1")).to_be_focused()
    page.keyboard.type("3")
    expect(page.locator("[data-total]")).to_have_text("£28.50")
    page.click("text=Place order")
    expect(page.get_by_role("status").get_by_text("is placed")).to_be_visible()
    expect(page.locator("tfoot td")).to_have_text("£28.50")


def test_suggestions_that_come_late_leave_the_mark_where_it_is(tab, browser, shop):
    page = tab(browser).open("/orders/new/")
    page.get_by_role("combobox", name="Customer").focus()
    page.keyboard.type("ada")
    option = page.get_by_role("option", name="Ada Lovelace")
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    old = option.element_handle()
    page.keyboard.type(" l")
    page.wait_for_function("old => !old.isConnected", arg=old)
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Customer")).to_have_value("C-17")


def test_lines_are_added_and_removed(tab, browser, shop):
    page = tab(browser).open(shop.path("/orders/{draft}/edit/"))
    page.click("text=Add lines")
    page.keyboard.type("oak")
    expect(suggestions(page)).to_have_count(1)
    page.get_by_role("option", name="Oak tray").click()
    page.get_by_role("button", name="Remove the line").first.click()
    page.click("text=Save draft")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Oak tray")).to_be_visible()


def test_the_customer_of_a_draft_is_changed_in_a_dialog(tab, browser, shop, acme):
    with unit_of_work(acme):
        create_customer(actor=CLERK, name="Grace Hopper")
    page = tab(browser).open(shop.path("/orders/{draft}/"))
    page.click("text=Edit details")
    page.get_by_role("dialog").get_by_role("combobox", name="Customer").fill("")
    page.keyboard.type("grace")
    expect(suggestions(page)).to_have_count(1)
    page.get_by_role("option", name="Grace Hopper").click()
    page.click("text=Save details")
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("Changed: customer")


def test_escape_closes_suggestions_and_leaves_the_text(tab, browser, shop):
    page = tab(browser).open("/orders/new/")
    page.get_by_role("combobox", name="Customer").focus()
    page.keyboard.type("ada")
    expect(suggestions(page)).to_have_count(1)
    expect(page.get_by_role("option", name="Ada Lovelace")).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestions(page)).to_have_count(0)
    expect(page.get_by_role("combobox", name="Customer")).to_have_value("ada")


def test_the_chosen_theme_is_kept(tab, browser):
    page = tab(browser).open("/")
    page.click("[popovertarget=person-menu]")
    page.click("text=Dark appearance")
    ground = page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor")
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor") == ground


def test_the_columns_of_an_import_are_kept_as_they_change(tab, browser, acme):
    job = an_import(acme, start=False)
    page = tab(browser).open(f"/imports/{job.pk}/")
    page.get_by_label("SKU").select_option("")
    expect(page.get_by_text("choose a column for: SKU")).to_be_visible()
    page.get_by_label("SKU").select_option("StockCode")
    page.get_by_role("button", name="Start the import").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel import").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_portal_works_without_scripts(tab, browser, shop):
    visit = tab(browser, java_script_enabled=False)
    page = visit.open("/products/?q=oak")
    page.click("a.row-link")
    page.click("text=Receive stock")
    page.fill("[name=quantity]", "5")
    page.click("button:has-text('Receive stock')")
    expect(page.locator(".toast")).to_contain_text("5 received.")
    page.click("[popovertarget=person-menu]")
    page.click("text=Dark appearance")
    assert page.get_attribute("html", "data-theme") == "dark"
    visit.open("/search/?q=enamel")
    page.click("main >> text=Enamel jug")
    expect(page.get_by_role("heading", name="Enamel jug")).to_be_visible()


def test_a_session_that_ended_leads_to_the_sign_in_page(tab, browser, shop):
    visit = tab(browser)
    visit.expected = {401}
    page = visit.open("/products/")
    page.context.clear_cookies()
    page.get_by_role("searchbox").fill("oak")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_scripts_weigh_less_than_70_kb():
    scripts = ["django_htmx/htmx-2.min.js"]
    scripts += [
        f"rowhouse/js/{name}.js"
        for name in ("forms", "shell", "theme", "toasts", "combobox", "lines", "drop", "choosing")
    ]
    weight = 0
    for name in scripts:
        path = finders.find(name)
        assert isinstance(path, str), name
        weight += len(gzip.compress(Path(path).read_bytes()))
    assert weight < 70_000


def test_a_person_signs_up_in_the_browser_and_is_led_into_the_workspace(tab, port, monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_PORT", port)
    visit = tab(host=settings.PUBLIC_HOST)
    page = visit.open("/sign-up/")
    page.get_by_label("Company").fill("Initech")
    page.get_by_label("Workspace address").fill("initech")
    page.get_by_label("E-mail").fill("owner@initech.example")
    page.get_by_label("Password").fill("a long enough secret")
    visit.origin = "http://"
    page.click("main button[type=submit]")
    expect(page.get_by_text("0 of 3 done")).to_be_visible()
    assert page.url.startswith(f"http://initech.localhost:{port}/")


def test_who_looks_for_a_workspace_is_led_to_its_sign_in_page(tab, port, acme, monkeypatch):
    monkeypatch.setattr(settings, "PUBLIC_PORT", port)
    visit = tab(host=settings.PUBLIC_HOST)
    page = visit.open("/find/")
    visit.origin = "http://"
    page.get_by_label("Workspace address").fill("acme")
    page.click("main button[type=submit]")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def put(tenant, access):
    """Let the workspace's payments leave so much open."""
    actor = Actor.system("billing")
    set_standing(client_id=tenant.id, actor=actor, reason="The card was refused.", access=access)


def test_a_read_only_workspace_says_so_and_loses_nothing_that_was_typed(tab, browser, shop, acme):
    put(acme, "read_only")
    visit = tab(browser)
    visit.expected = {402}
    page = visit.open("/settings/workspace/")
    expect(page.get_by_role("region", name="Plan and payments")).to_contain_text("read-only")
    assert barriers_everywhere(visit) == {}
    page.get_by_label("Name").fill("Acme & Daughters")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="This workspace is read-only")).to_be_visible()
    assert barriers_everywhere(visit) == {}
    put(acme, "full")
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_label("Name")).to_have_value("Acme & Daughters")
    page = visit.open(shop.path("/products/{product}/"))
    put(acme, "read_only")
    page.click("text=Adjust stock")
    page.get_by_label("Counted on the shelf").fill("50")
    page.get_by_label("Reason").fill("Found")
    page.keyboard.press("Enter")
    expect(page.locator("dialog .toast")).to_contain_text("This workspace is read-only since")
    expect(page.get_by_label("Counted on the shelf")).to_have_value("50")
    # htmx itself notes what was refused.
    assert [wrong for wrong in visit.wrongs if "Error Code 402" not in wrong] == []
    visit.wrongs.clear()
