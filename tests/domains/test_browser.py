"""A domain in a real browser: from the form over the records to the primary address."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright

from infra.local.chromium import find_chromium
from shared_apps.domains.models import Claim
from tenants.context import Tenant
from tests.cast import Person
from tests.domains.conftest import TARGET, check
from tests.domains.nameserver import NameServer
from tests.domains.test_services import primary_of
from tests.portal.live import FLAGS, PHONE, Visit, open_tab, serving

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="there is no chromium on this machine"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser. Its driver keeps an event loop in this thread, which Django would take for ours."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=30_000)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(
    chromium: Browser, client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]
) -> Iterator[Visit]:
    """The owner of acme on a phone."""
    client = client_of(acme, person("owner").user)
    name = settings.SESSION_COOKIE_NAME
    with serving() as port:
        cookie = (name, client.cookies[name].value)
        opened = open_tab(chromium, port, acme.host, cookie, viewport=PHONE)
        opened.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield opened
        opened.page.context.close()
    assert opened.wrongs == []


def test_from_the_form_to_the_primary_address(visit: Visit, acme: Tenant, dns: NameServer) -> None:
    page = visit.open("/settings/domains/")
    page.get_by_role("link", name="Add a domain").click()
    page.keyboard.type("shop.acme.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="shop.acme.example")).to_be_visible()
    claim = Claim.objects.get()
    page.get_by_role("button", name="Copy the value of the TXT record").click()
    expect(page.get_by_role("button", name="Copied the value of the TXT record")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == claim.proof
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"')
    dns.put(claim.domain, "CNAME", f"{TARGET}.")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("The name servers are being asked…")).to_be_visible()
    check(claim)
    expect(page.get_by_text("The TXT record is there: the name is yours.")).to_be_visible()
    assert visit.barriers() == []
    page.get_by_role("link", name="Make it primary").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Make shop.acme.example the primary address?")
    assert visit.barriers() == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Release").click()
    page.get_by_label("Type the name to go on").fill("another")
    visit.expected = {422}
    page.keyboard.press("Enter")
    expect(page.locator("dialog .summary")).to_be_focused()
    page.get_by_label("Type the name to go on").fill("shop.acme.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("shop.acme.example is released.")).to_be_visible()
    assert primary_of(acme) == acme.host
