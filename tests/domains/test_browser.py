"""A domain in a real browser: from the form over the records to the primary address."""

from collections.abc import Callable

from django.test import Client
from playwright.sync_api import expect

from shared_apps.domains.models import Claim
from tenants.context import Tenant
from tests.cast import Person
from tests.domains.conftest import TARGET, check
from tests.domains.nameserver import NameServer
from tests.domains.test_services import primary_of
from tests.portal.browsing import needs_chromium
from tests.portal.live import PHONE, Visit

pytestmark = needs_chromium


def test_from_the_form_to_the_primary_address(
    tab: Callable[..., Visit],
    client_of: Callable[..., Client],
    person: Callable[[str], Person],
    acme: Tenant,
    dns: NameServer,
) -> None:
    visit = tab(client_of(acme, person("owner").user), viewport=PHONE)
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visit.open("/settings/domains/")
    page.get_by_role("link", name="Add a domain").click()
    expect(page.get_by_role("textbox")).to_be_focused()
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
