"""What tests of domains share: a name server to ask, an owner's steps, and the worker's."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from shared_apps.domains.checking import check_claim
from shared_apps.domains.models import Claim
from shared_apps.domains.services import claim_domain
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context
from tests.domains.nameserver import NameServer, serving
from tests.portal.browsing import chromium, port, tab

__all__ = ["chromium", "port", "tab"]
TARGET = "domains.rowhouse.example"
ADDRESS = "203.0.113.10"
OWNER = Actor(kind="user", id=None, label="owner@acme.example")


@pytest.fixture(scope="module")
def _server() -> Iterator[NameServer]:
    with serving() as server:
        yield server


@pytest.fixture(autouse=True)
def dns(_server: NameServer, monkeypatch: pytest.MonkeyPatch) -> NameServer:
    """The name server that the platform asks; it knows the platform's own address and nothing else."""
    for record in (_server.records, _server.failing, _server.silent, _server.forging, _server.asked):
        record.clear()
    _server.truncating = False
    _server.put(TARGET, "A", ADDRESS)
    monkeypatch.setattr(settings, "DNS_RESOLVER", _server.setting)
    monkeypatch.setattr(settings, "CUSTOM_DOMAIN_TARGET", TARGET)
    return _server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who gives no answer is not waited for long."""
    monkeypatch.setattr("shared_apps.domains.resolving.SECONDS", 0.3)


@pytest.fixture
def claim(acme: Tenant) -> Claim:
    """acme's claim of shop.acme.example."""
    return claim_for(acme)


def claim_for(tenant: Tenant, domain: str = "shop.acme.example") -> Claim:
    """A claim as an owner makes it."""
    with public_context():
        return claim_domain(tenant_id=tenant.id, domain=domain, actor=OWNER)


def check(claim: Claim) -> Claim:
    """What a worker makes of a claim."""
    with public_context():
        found = check_claim(claim_id=claim.pk)
    assert found is not None
    return fresh(claim)


def fresh(claim: Claim) -> Claim:
    """The claim as it stands in the database."""
    return Claim.objects.select_related("held").get(pk=claim.pk)


@pytest.fixture
def prove(dns: NameServer) -> Callable[..., Claim]:
    """Put the records of a claim into the DNS and have it checked."""

    def put(claim: Claim, *, pointing: bool = True) -> Claim:
        dns.put(claim.challenge, "TXT", f'"{claim.proof}"')
        if pointing:
            dns.put(claim.domain, "CNAME", f"{TARGET}.")
        return check(claim)

    return put


@pytest.fixture
def held(claim: Claim, prove: Callable[..., Claim]) -> Claim:
    """acme's name, proven and pointing."""
    return prove(claim)


def set_back(claim: Claim, **fields: timedelta) -> None:
    """Move times of a claim into the past."""
    now = timezone.now()
    Claim.objects.filter(pk=claim.pk).update(**{name: now - ago for name, ago in fields.items()})


@pytest.fixture(autouse=True)
def _no_transaction_is_left(_reset: None) -> Iterator[None]:
    yield
    assert not connections["control"].in_atomic_block
