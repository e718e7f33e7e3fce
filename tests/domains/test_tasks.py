"""Checks and letters in a real worker, and what the schedule sends."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery.contrib.testing.worker import start_worker
from django.core import mail
from django.db import connections

from config.celery import SCHEDULE, app
from shared_apps.clients.models import Client, ReleasedName
from shared_apps.clients.quarantine import release_name
from shared_apps.domains.models import Claim
from shared_apps.domains.services import request_check
from shared_apps.domains.tasks import check_due_claims, sweep_names
from tenants.context import Tenant, public_context, tenant_context
from tests.domains.conftest import TARGET, fresh, set_back
from tests.domains.nameserver import NameServer
from tests.waiting import wait_until


@pytest.fixture
def worker() -> Iterator[None]:
    """A worker at the real queue."""
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        yield
    app.control.purge()


def test_a_check_that_was_asked_for_is_made_by_a_worker(
    acme: Tenant, claim: Claim, dns: NameServer, worker: None
) -> None:
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"')
    dns.put(claim.domain, "CNAME", f"{TARGET}.")
    with tenant_context(acme):
        request_check(tenant_id=acme.id, claim_id=claim.pk)
    wait_until(lambda: fresh(claim).state == Claim.State.POINTING)


def test_the_schedule_finds_what_is_due_and_owners_are_written_to(
    acme: Tenant, held: Claim, dns: NameServer, worker: None
) -> None:
    dns.put(held.challenge, "TXT")
    set_back(held, next_check_at=timedelta(0))
    check_due_claims()
    wait_until(lambda: bool(mail.outbox))
    assert fresh(held).state == Claim.State.DANGLING
    assert mail.outbox[0].subject == "shop.acme.example does not lead to Acme any more"


def test_the_sweep_forgets_what_is_over(acme: Tenant, claim: Claim) -> None:
    with public_context():
        release_name(name="old.example", tenant_id=acme.id, using="control")
    ReleasedName.objects.update(until=claim.created_at)
    set_back(claim, expires_at=timedelta(days=7))
    sweep_names()
    assert not ReleasedName.objects.exists()
    assert not Claim.objects.exists()


@pytest.mark.parametrize("name", ["check-domains", "sweep-names"])
def test_the_schedule_names_tasks_that_are_there(name: str) -> None:
    assert SCHEDULE[name]["task"] in app.tasks


def test_claims_go_with_their_tenant(acme: Tenant, held: Claim) -> None:
    Client.objects.using("migrator").filter(pk=acme.id).delete()
    connections["migrator"].close()
    assert not Claim.objects.exists()
