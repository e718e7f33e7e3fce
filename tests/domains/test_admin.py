"""The operators' pages of domains."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from shared_apps.clients.models import ReleasedName
from shared_apps.domains.models import Claim
from shared_apps.domains.services import release_domain
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tenants.models import uuid7
from tests.cast import OPERATOR, PASSWORD
from tests.domains.conftest import OWNER, check, fresh
from tests.domains.nameserver import NameServer

CLAIMS, NAMES = "/admin/domains/claim/", "/admin/clients/releasedname/"


@pytest.fixture
def operator() -> Client:
    """An operator who has signed in at the admin."""
    client = Client(headers={"host": settings.PUBLIC_HOST})
    answer = client.post("/admin/login/?next=/admin/", {"username": OPERATOR, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_dangling_names_are_found(operator: Client, held: Claim, dns: NameServer) -> None:
    assert "Ready" in page(operator.get(CLAIMS))
    dns.put(held.challenge, "TXT")
    check(held)
    listed = page(operator.get(CLAIMS, {"failing_since__isempty": "0"}))
    assert held.domain in listed
    assert "Dangling" in listed
    assert held.domain not in page(operator.get(CLAIMS, {"failing_since__isempty": "1"}))


def test_a_token_is_no_operators_business(operator: Client, claim: Claim) -> None:
    shown = page(operator.get(f"{CLAIMS}{claim.pk}/change/"))
    assert claim.domain in shown
    assert claim.token not in shown


def test_an_operator_has_a_name_checked(operator: Client, claim: Claim) -> None:
    answer = operator.get(f"{CLAIMS}{claim.pk}/check/", follow=True)
    assert "The name servers are being asked about shop.acme.example." in page(answer)
    assert fresh(claim).is_being_checked


def test_releasing_asks_first_and_is_told_of(operator: Client, held: Claim, acme: Tenant) -> None:
    path = f"{CLAIMS}{held.pk}/release/"
    assert "It stops leading to its tenant at once" in page(operator.get(path))
    assert fresh(held).is_held
    assert "shop.acme.example is released." in page(operator.post(path, follow=True))
    with public_context():
        assert AuditEntry.objects.get(verb="domain.released").actor_label == OPERATOR


def test_a_quarantine_is_ended_after_a_question(operator: Client, held: Claim, acme: Tenant) -> None:
    release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    released = ReleasedName.objects.get()
    path = f"{NAMES}{released.pk}/free/"
    assert held.domain in page(operator.get(NAMES))
    assert "Anybody may take it" in page(operator.get(path))
    assert ReleasedName.objects.exists()
    assert "shop.acme.example is free." in page(operator.post(path, follow=True))
    assert not ReleasedName.objects.exists()


@pytest.mark.parametrize("path", [f"{CLAIMS}{{}}/check/", f"{CLAIMS}{{}}/release/", f"{NAMES}{{}}/free/"])
def test_what_is_gone_is_not_found(operator: Client, path: str) -> None:
    assert operator.get(path.format(uuid7())).status_code == 404
    assert operator.get(path.format("nonsense")).status_code == 404
