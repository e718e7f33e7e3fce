"""The settings page of domains."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from shared_apps.domains.models import Claim
from shared_apps.domains.services import make_primary
from tenants.context import Tenant
from tests.cast import Person
from tests.domains.conftest import OWNER, TARGET, check, claim_for, fresh
from tests.domains.nameserver import NameServer
from tests.domains.test_services import primary_of

HTMX = {"hx-request": "true"}


@pytest.fixture
def browser(client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]) -> Client:
    """The owner of acme, signed in."""
    return client_of(acme, person("owner").user)


def text(answer: object) -> str:
    """What people read of a page."""
    return re.sub(r"\s+", " ", answer.content.decode())  # type: ignore[attr-defined]


def page_of(claim: Claim, rest: str = "") -> str:
    return f"/settings/domains/{claim.pk}/{rest}"


def test_an_owner_adds_a_name_and_gets_its_records(browser: Client, acme: Tenant) -> None:
    answer = browser.post("/settings/domains/new/", {"domain": "Shop.München.example"})
    claim = Claim.objects.get()
    assert answer["Location"] == page_of(claim)
    page = text(browser.get(page_of(claim)))
    assert "shop.münchen.example" in page
    assert '<code id="txt-name">_rowhouse-challenge.shop.xn--mnchen-3ya.example</code>' in page
    assert f'<code id="txt-value">rowhouse-verify={claim.token}</code>' in page
    assert '<code id="cname-name">shop.xn--mnchen-3ya.example</code>' in page
    assert f'<code id="cname-value">{TARGET}</code>' in page
    assert "Waiting for proof" in page
    listed = text(browser.get("/settings/domains/"))
    assert "shop.münchen.example</a> <span" in listed
    assert acme.host in listed


@pytest.mark.parametrize(
    ("domain", "hint"),
    [("", "Fill this in."), ("https://a.example", "host name alone"), ("acme", "single word")],
)
def test_a_name_that_cannot_be_is_refused_at_its_field(browser: Client, domain: str, hint: str) -> None:
    answer = browser.post("/settings/domains/new/", {"domain": domain})
    assert answer.status_code == 422
    assert hint in text(answer)
    assert not Claim.objects.exists()


def test_a_check_is_asked_for_and_its_outcome_reloads_the_page(
    browser: Client, claim: Claim, dns: NameServer
) -> None:
    page = text(browser.post(page_of(claim, "check/"), follow=True))
    assert "The name servers are being asked." in page
    assert 'hx-trigger="every 2s"' in page
    part = browser.get(page_of(claim), headers=HTMX)
    assert "being asked" in text(part)
    assert "<html" not in text(part)
    check(claim)
    assert browser.get(page_of(claim), headers=HTMX)["HX-Refresh"] == "true"
    page = text(browser.get(page_of(claim)))
    assert "There is no TXT record at _rowhouse-challenge.shop.acme.example." in page
    assert "points nowhere" in page
    assert "every 2s" not in page


def test_a_name_becomes_primary_after_a_question(browser: Client, acme: Tenant, held: Claim) -> None:
    assert "Make it primary" in text(browser.get(page_of(held)))
    assert f"Pages at {acme.host} lead there" in text(browser.get(page_of(held, "primary/"), headers=HTMX))
    assert primary_of(acme) == acme.host
    browser.post(page_of(held, "primary/"))
    assert primary_of(acme) == held.domain


def test_a_name_that_is_not_ready_says_why(browser: Client, acme: Tenant, claim: Claim) -> None:
    assert "Make it primary" not in text(browser.get(page_of(claim)))
    assert "can become the primary address once" in text(
        browser.post(page_of(claim, "primary/"), follow=True)
    )
    assert primary_of(acme) == acme.host


def test_releasing_wants_the_name_typed(browser: Client, held: Claim) -> None:
    assert f"Release {held.domain}?" in text(browser.get(page_of(held, "release/"), headers=HTMX))
    refused = browser.post(page_of(held, "release/"), {"name": "shop.acme.exampl"}, headers=HTMX)
    assert refused.status_code == 422
    assert fresh(held).is_held
    page = text(browser.post(page_of(held, "release/"), {"name": f" {held.domain.upper()} "}, follow=True))
    assert f"{held.domain} is released." in page
    assert not Claim.objects.exists()


def test_a_dangling_name_says_what_is_wrong_and_until_when(
    browser: Client, held: Claim, dns: NameServer
) -> None:
    dns.put(held.challenge, "TXT")
    check(held)
    page = text(browser.get(page_of(held)))
    assert "There is no TXT record at" in page
    assert "taken off the workspace on" in page
    assert "Dangling" in text(browser.get("/settings/domains/"))


def test_an_expired_claim_is_started_again(browser: Client, claim: Claim) -> None:
    Claim.objects.update(expires_at=claim.created_at)
    page = text(browser.get(page_of(claim)))
    assert "Start again" in page
    assert claim.token not in page
    browser.post("/settings/domains/new/", {"domain": claim.domain})
    assert Claim.objects.get().token != claim.token


@pytest.mark.parametrize("rest", ["", "check/", "primary/", "step-down/", "release/"])
def test_a_neighbours_name_is_not_found(browser: Client, globex: Tenant, rest: str) -> None:
    theirs = claim_for(globex)
    method = browser.post if rest else browser.get
    assert method(page_of(theirs, rest)).status_code == 404
    assert theirs.domain not in text(browser.get("/settings/domains/"))


def test_members_have_no_business_here(
    client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person]
) -> None:
    assert client_of(acme, person("member").user).get("/settings/domains/").status_code == 403
    assert client_of(acme, person("admin").user).get("/settings/domains/").status_code == 200


def test_settings_are_beside_each_other(browser: Client) -> None:
    page = text(browser.get("/settings/domains/"))
    assert '<a href="/settings/domains/" aria-current="page">Domains</a>' in page
    assert '<a href="/settings/tokens/" >API tokens</a>' in page


def test_going_back_to_the_platforms_address(
    client_of: Callable[..., Client], acme: Tenant, person: Callable[[str], Person], held: Claim
) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    browser = client_of(acme, person("owner").user)
    there = {"host": held.domain}
    assert f"Go back to {acme.host}?" in text(browser.get(page_of(held, "step-down/"), headers=there))
    browser.post(page_of(held, "step-down/"), headers=there)
    assert primary_of(acme) == acme.host
