"""The API of domains."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from shared_apps.domains.models import Claim
from tenants.context import Tenant
from tests.domains.conftest import TARGET, claim_for, fresh
from tests.domains.test_services import primary_of

DOMAINS = "/api/v1/domains/"


@pytest.fixture
def program(bearer: Callable[..., Client], acme: Tenant) -> Client:
    """A program with the owner's access token."""
    return bearer(acme, "owner@acme.example")


def sent(client: Client, path: str, body: Any = None) -> Any:
    return client.post(path, body, content_type="application/json")


def test_a_claim_answers_with_its_records(program: Client) -> None:
    answer = sent(program, DOMAINS, {"domain": "Shop.Acme.example"})
    assert answer.status_code == 201
    claim, body = Claim.objects.get(), answer.json()
    assert answer["Location"].endswith(f"{DOMAINS}{claim.pk}/")
    assert (body["domain"], body["state"], body["is_primary"]) == ("shop.acme.example", "waiting", False)
    assert body["records"] == [
        {
            "type": "TXT",
            "name": "_rowhouse-challenge.shop.acme.example",
            "value": f"rowhouse-verify={claim.token}",
        },
        {"type": "CNAME", "name": "shop.acme.example", "value": TARGET},
    ]
    assert program.get(f"{DOMAINS}{claim.pk}/").json() == body


@pytest.mark.parametrize(
    ("domain", "status", "code"),
    [
        ("acme", 422, "bad_domain"),
        ("shop.acme.example", 409, "already_claimed"),
        ("", 422, "validation_failed"),
    ],
)
def test_a_refusal_names_its_reason(
    program: Client, claim: Claim, domain: str, status: int, code: str
) -> None:
    answer = sent(program, DOMAINS, {"domain": domain})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_whole_life(program: Client, acme: Tenant, held: Claim) -> None:
    path = f"{DOMAINS}{held.pk}/"
    assert sent(program, f"{path}primary/").json()["state"] == "primary"
    assert primary_of(acme) == held.domain
    assert sent(program, f"{path}step-down/").json()["state"] == "pointing"
    assert sent(program, f"{path}check/").status_code == 202
    assert fresh(held).is_being_checked
    assert program.delete(path).status_code == 204
    assert not Claim.objects.exists()


def test_a_list_holds_ones_own_names_alone(
    program: Client, held: Claim, acme: Tenant, globex: Tenant
) -> None:
    claim_for(acme, "second.example")
    claim_for(globex, "theirs.example")
    listed = program.get(DOMAINS).json()["data"]
    assert [one["domain"] for one in listed] == ["second.example", "shop.acme.example"]
    verified = program.get(DOMAINS, {"verified": "true"}).json()["data"]
    assert [one["domain"] for one in verified] == ["shop.acme.example"]


def test_checks_are_limited(program: Client, claim: Claim) -> None:
    statuses = [sent(program, f"{DOMAINS}{claim.pk}/check/").status_code for _ in range(7)]
    assert statuses == [202] * 6 + [429]
