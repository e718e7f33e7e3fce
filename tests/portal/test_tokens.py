"""The settings page of API tokens."""

import re

import pytest

from tenants.context import unit_of_work
from tenants.users.models import ApiToken
from tests.portal.test_products import HTMX, text

NEW = {"name": "Till", "lifetime": "30", "scopes": ["orders:read", "orders:write"]}


def the_token(acme) -> ApiToken:
    with unit_of_work(acme):
        return ApiToken.objects.get(name="Till")


def test_a_token_is_shown_once_and_works(browser, client_of, acme):
    page = text(browser.post("/settings/tokens/new/", NEW))
    secret = re.search(r'<code id="secret">(rwh_\w+)</code>', page)
    assert secret
    answer = client_of(acme).get("/api/v1/orders/", headers={"authorization": f"Bearer {secret[1]}"})
    assert answer.status_code == 200
    listed = text(browser.get("/settings/tokens/"))
    assert secret[1] not in listed
    assert secret[1][:12] in listed


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
