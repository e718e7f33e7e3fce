"""Sessions: made in a realm, good in it, and gone when they should be."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from tenants.context import NoTenant, Tenant, public_context, tenant_context, unit_of_work
from tenants.users.models import User
from tenants.users.sessions import SessionStore
from tests.cast import OPERATOR, PASSWORD
from tests.stage import administrator


def test_a_session_is_a_row_of_its_tenant(
    acme: Tenant, globex: Tenant, owner: User, client_of: Callable[..., Client]
) -> None:
    client_of(acme, owner)
    with unit_of_work(acme):
        assert Session.objects.count() == 1
    with unit_of_work(globex):
        assert Session.objects.count() == 0
    with public_context():
        assert Session.objects.count() == 0


def test_a_row_that_was_copied_opens_as_an_empty_session(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(globex):
        store = SessionStore()
        store["secret"] = "theirs"
        store.save()
    with administrator() as admin:
        admin.execute(
            f'INSERT INTO "{acme.schema}".django_session SELECT * FROM "{globex.schema}".django_session'
        )
    with unit_of_work(acme):
        assert "secret" not in SessionStore(store.session_key)
    with unit_of_work(globex):
        assert SessionStore(store.session_key)["secret"] == "theirs"


def test_a_row_of_the_public_realm_does_not_open_in_a_tenant(acme: Tenant) -> None:
    with public_context():
        text = SessionStore().encode({"secret": "the platform's"})
    with tenant_context(acme):
        assert SessionStore().decode(text) == {}


def test_no_session_outside_a_realm() -> None:
    with pytest.raises(NoTenant):
        SessionStore().encode({})


def test_signing_in_changes_the_key_and_signing_out_ends_it(
    acme: Tenant, client_of: Callable[..., Client]
) -> None:
    browser = client_of(acme)
    browser.get("/sign-in/")
    keys = []
    for _ in range(2):
        browser.post("/sign-in/", {"email": "owner@acme.example", "password": PASSWORD})
        keys.append(browser.cookies[settings.SESSION_COOKIE_NAME].value)
        stolen = Client(headers={"host": acme.host})
        stolen.cookies[settings.SESSION_COOKIE_NAME] = keys[-1]
        assert stolen.get("/").status_code == 200
        browser.post("/sign-out/")
        assert stolen.get("/").status_code == 302
    assert keys[0] != keys[1]


def test_a_session_key_of_the_visitor_s_own_choice_is_not_taken(
    acme: Tenant, client_of: Callable[..., Client]
) -> None:
    browser = client_of(acme)
    browser.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    browser.post("/sign-in/", {"email": "owner@acme.example", "password": PASSWORD})
    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32
    with unit_of_work(acme):
        assert not Session.objects.filter(pk="a" * 32).exists()


def test_a_cookie_is_for_one_host_and_hidden_from_scripts(
    acme: Tenant, client_of: Callable[..., Client]
) -> None:
    browser = client_of(acme)
    browser.post("/sign-in/", {"email": "owner@acme.example", "password": PASSWORD})
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["domain"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (
        "",
        True,
        "Lax",
        "/",
    )


def test_an_operator_s_session_lives_in_public(acme: Tenant) -> None:
    browser = Client(headers={"host": settings.PUBLIC_HOST})
    browser.post("/admin/login/", {"username": OPERATOR, "password": PASSWORD})
    with public_context():
        assert Session.objects.count() == 1
    with unit_of_work(acme):
        assert Session.objects.count() == 0
