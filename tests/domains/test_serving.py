"""A workspace at a name of its own: redirects, signing in, the API, links in mails, what browsers are promised."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import Client, RequestFactory

from shared_apps.domains.middleware import OwnNameMiddleware
from shared_apps.domains.models import Claim
from shared_apps.domains.services import make_primary, release_domain, step_down
from tenants.context import Tenant, tenant_context
from tenants.hosts import directory
from tenants.users.models import User
from tenants.users.tasks import mail_password_reset
from tests.cast import PASSWORD
from tests.domains.conftest import OWNER

NAME = "shop.acme.example"


@pytest.fixture
def primary(acme: Tenant, held: Claim) -> Claim:
    """shop.acme.example as acme's primary name."""
    return make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)


def at(host: str, **options: Any) -> Client:
    return Client(headers={"host": host}, **options)


def test_a_proven_name_redirects_to_the_primary_one(acme: Tenant, held: Claim) -> None:
    answer = at(NAME).get("/orders/?q=a%20b")
    assert answer.status_code == 308
    assert answer["Location"] == f"http://{acme.host}:8000/orders/?q=a%20b"


def test_the_platforms_address_redirects_to_the_primary_name(acme: Tenant, primary: Claim) -> None:
    answer = at(acme.host).post("/sign-in/", {"email": "x"})
    assert answer.status_code == 308
    assert answer["Location"] == f"http://{NAME}:8000/sign-in/"
    step_down(tenant_id=acme.id, claim_id=primary.pk, actor=OWNER)
    assert at(acme.host).get("/sign-in/").status_code == 200


def test_programs_work_at_every_name(acme: Tenant, primary: Claim) -> None:
    tokens = [
        at(host).post(
            "/api/v1/auth/token/",
            {"email": "owner@acme.example", "password": PASSWORD},
            content_type="application/json",
        )
        for host in (NAME, acme.host)
    ]
    assert [answer.status_code for answer in tokens] == [200, 200]
    for host in (NAME, acme.host):
        bearer = {"authorization": f"Bearer {tokens[0].json()['access']}"}
        assert at(host).get("/api/v1/me/", headers=bearer).json()["workspace"]["host"] == NAME


def test_a_released_name_is_unknown(acme: Tenant, primary: Claim) -> None:
    release_domain(tenant_id=acme.id, claim_id=primary.pk, actor=OWNER)
    assert at(NAME).get("/sign-in/").status_code == 404
    assert at(acme.host).get("/sign-in/").status_code == 200


# Signing in


def sign_in(browser: Client, origin: str) -> Any:
    page = browser.get("/sign-in/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    body = {"email": "owner@acme.example", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    return browser.post("/sign-in/", body, headers={"origin": origin})


def test_people_sign_in_at_the_name(primary: Claim) -> None:
    browser = at(NAME, enforce_csrf_checks=True)
    assert sign_in(browser, f"http://{NAME}").status_code == 302
    assert browser.get("/settings/domains/").status_code == 200
    for cookie in browser.cookies.values():
        assert not cookie["domain"], "a cookie for a whole domain would reach its other sites"
        assert cookie["path"] == "/"


@pytest.mark.parametrize(
    "origin", ["http://acme.localhost", "http://acme.example", f"https://{NAME}", f"http://x.{NAME}", "null"]
)
def test_a_form_of_another_origin_is_refused(primary: Claim, origin: str) -> None:
    assert sign_in(at(NAME, enforce_csrf_checks=True), origin).status_code == 403


def test_a_session_of_the_neighbour_is_nobodys_at_the_name(
    client_of: Callable[..., Client], globex: Tenant, stranger: User, primary: Claim
) -> None:
    browser = at(NAME)
    browser.cookies = client_of(globex, stranger).cookies
    answer = browser.get("/settings/domains/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


# Mails


def test_links_in_mails_lead_to_the_primary_name(acme: Tenant, owner: User, primary: Claim) -> None:
    found = directory.by_schema(acme.schema)  # as a worker finds its tenant
    assert found is not None
    with tenant_context(found):
        mail_password_reset.run(str(owner.pk))
    (letter,) = mail.outbox
    link = re.search(rf"http://{re.escape(NAME)}:8000(/reset/\S+)", str(letter.body))
    assert link is not None
    assert at(NAME).get(link[1]).status_code == 200


# What browsers are promised


@pytest.mark.parametrize(
    ("host", "promise"),
    [
        (NAME, "max-age=31536000"),
        ("notlocalhost", "max-age=31536000"),
        ("no name at all", "max-age=31536000"),
        ("localhost", "max-age=31536000; includeSubDomains; preload"),
        ("acme.localhost", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_https_is_promised_for_other_peoples_subdomains_by_nobody(
    host: str, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SECURE_HSTS_SECONDS", 31_536_000)
    monkeypatch.setattr(settings, "SECURE_HSTS_INCLUDE_SUBDOMAINS", True)
    monkeypatch.setattr(settings, "SECURE_HSTS_PRELOAD", True)
    layers = SecurityMiddleware(OwnNameMiddleware(lambda request: HttpResponse()))
    request = RequestFactory().get("/", secure=True, headers={"host": host})
    answer: Any = layers(request)
    assert answer["Strict-Transport-Security"] == promise


def test_the_layers_stand_in_this_order() -> None:
    layers = settings.MIDDLEWARE
    promised, own = (
        layers.index(f"{name}")
        for name in (
            "django.middleware.security.SecurityMiddleware",
            "shared_apps.domains.middleware.OwnNameMiddleware",
        )
    )
    assert own == promised + 1
