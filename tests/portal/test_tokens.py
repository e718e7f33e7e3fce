"""The settings pages of API tokens and of sessions."""

import re

import pytest

from tenants.context import unit_of_work
from tenants.signing import sign
from tenants.users.models import ApiToken, SignIn
from tenants.users.passwords import PURPOSE, _state, reset_password
from tests.cast import PASSWORD
from tests.portal.test_products import HTMX, text

NEW = {"name": "Till", "lifetime": "30", "scopes": ["orders:read", "orders:write"]}


def the_token(acme) -> ApiToken:
    with unit_of_work(acme):
        return ApiToken.objects.get(name="Till")


def secret_on(answer) -> str:
    found = re.search(r'<code id="secret">(rwh_\w+)</code>', text(answer))
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works(browser, client_of, acme):
    secret = secret_on(browser.post("/settings/tokens/new/", NEW))
    answer = client_of(acme).get("/api/v1/orders/", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    listed = text(browser.get("/settings/tokens/"))
    assert secret not in listed
    assert secret[:12] in listed


def test_a_page_with_a_secret_is_kept_nowhere(browser):
    assert browser.post("/settings/tokens/new/", NEW)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("lifetime", "expires"), [("", False), ("365", True)])
def test_a_token_expires_when_it_is_told_to(browser, acme, lifetime, expires):
    browser.post("/settings/tokens/new/", NEW | {"lifetime": lifetime})
    assert (the_token(acme).expires_at is not None) is expires


def test_a_token_needs_a_name_and_a_scope(browser):
    answer = browser.post("/settings/tokens/new/", {"lifetime": "30"})
    assert answer.status_code == 422
    assert "Choose at least one scope" in text(answer)
    assert browser.post("/settings/tokens/new/", NEW | {"scopes": ["tokens:manage"]}).status_code == 422


def test_revoking_asks_first(browser, acme):
    browser.post("/settings/tokens/new/", NEW)
    path = f"/settings/tokens/{the_token(acme).pk}/revoke/"
    assert "Revoke “Till”?" in text(browser.get(path, headers=HTMX))
    assert the_token(acme).is_usable
    page = text(browser.post(path, follow=True))
    assert "The token Till is revoked." in page
    assert "Revoked" in page
    assert not the_token(acme).is_usable


def test_without_tokens_it_is_told_what_they_are_for(browser):
    assert "No tokens yet" in text(browser.get("/settings/tokens/"))


def test_rotating_shows_a_new_secret_once_and_says_how_long_the_old_one_works(browser, client_of, acme):
    old = secret_on(browser.post("/settings/tokens/new/", NEW))
    path = f"/settings/tokens/{the_token(acme).pk}/rotate/"
    assert "A new secret for “Till”" in text(browser.get(path))
    answer = browser.post(path, {"overlap": "1"})
    assert "The secret that you had before works until" in text(answer)
    for secret in (old, secret_on(answer)):
        headers = {"authorization": f"Bearer {secret}"}
        assert client_of(acme).get("/api/v1/orders/", headers=headers).status_code == 200
    assert "Two secrets" in text(browser.get("/settings/tokens/"))
    browser.post(path, {"overlap": "0"})
    assert "Two secrets" not in text(browser.get("/settings/tokens/"))


def test_members_make_their_own_tokens_and_are_not_asked_whose(browser_of, browser, acme):
    member = browser_of("member")
    assert 'name="kind"' not in text(member.get("/settings/tokens/new/"))
    member.post("/settings/tokens/new/", NEW)
    token = the_token(acme)
    assert (token.kind, token.person_id) == ("personal", token.created_by_id)
    assert "Rotate" in text(member.get("/settings/tokens/"))
    listed = text(browser.get("/settings/tokens/"))
    assert "Till" in listed
    assert "Rotate" not in listed


def test_sessions_are_listed_and_ended(visitor, client_of, acme, owner):
    here, there = client_of(acme), visitor
    for browser, agent in ((here, "Kiosk"), (there, "Mozilla/5.0 (iPhone) Version/18 Safari/605")):
        who = {"email": owner.email, "password": PASSWORD}
        assert browser.post("/sign-in/", who, headers={"user-agent": agent}).status_code == 302
    page = text(here.get("/settings/sessions/"))
    assert "Kiosk" in page
    assert "Safari on iPhone" in page
    assert page.count("This one") == 1
    (phone,) = re.findall(r"/settings/sessions/[0-9a-f-]+/end/", page.split(">Safari on iPhone<")[1])[:1]
    assert "End this session?" in text(here.get(phone, headers=HTMX))
    here.post(phone)
    assert there.get("/").status_code == 302
    there.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
    assert "1 other session is ended." in text(here.post("/settings/sessions/end/", follow=True))
    assert there.get("/").status_code == 302
    assert here.get("/").status_code == 200
    here.post("/sign-out/")
    with unit_of_work(acme):
        endings = SignIn.objects.filter(user=owner).values_list("ended_because", flat=True)
        assert sorted(endings) == ["revoked", "revoked", "signed_out"]


def test_a_new_password_ends_every_session_of_the_person(visitor, acme, owner):
    visitor.post("/sign-in/", {"email": owner.email, "password": PASSWORD})
    with unit_of_work(acme):
        link = sign(PURPOSE, [str(owner.id), _state(owner)])
        reset_password(token=link, password="a new horse battery", address=None)
    assert visitor.get("/").status_code == 302
    with unit_of_work(acme):
        assert SignIn.objects.get(user=owner).ended_because == "password"
