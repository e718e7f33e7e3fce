"""A tenant's plan and access: one verb, told to the audit log and to every process."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from shared_apps.clients import services
from shared_apps.clients.models import Client, DirectoryVersion
from shared_apps.clients.services import Beginning, as_tenant, sign_up
from shared_apps.clients.standing import EVENT, Standing, set_standing, set_standings
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tenants.errors import Invalid, NotFound
from tenants.hosts import directory
from tenants.models import uuid7

SWEEPER = Actor.system("the sweeper of trials")
SOON = datetime(2027, 1, 15, 9, tzinfo=UTC)


def _entries() -> list[dict[str, Any]]:
    with public_context():
        return list(AuditEntry.objects.filter(verb=EVENT).order_by("id").values_list("data", flat=True))


def _version() -> int:
    return DirectoryVersion.objects.get().version


def test_every_process_learns_how_a_tenant_stands(acme: Tenant) -> None:
    directory.by_host(acme.host)
    client = set_standing(
        client_id=acme.id, actor=SWEEPER, reason="The card was refused.", plan="team", plan_version=3,
        access="grace", access_until=SOON, trial_ends_at=None,
    )  # fmt: skip
    known = directory.by_host(acme.host)
    assert known is not None
    assert known.access_since is not None
    assert (known.plan, known.plan_version, known.access, known.access_until) == ("team", 3, "grace", SOON)
    assert known.access_reason == "The card was refused."
    assert as_tenant(client).access_since == known.access_since
    (told,) = _entries()
    assert (told["reason"], told["access"]["to"]) == ("The card was refused.", "grace")


def test_nothing_is_told_where_nothing_changes(acme: Tenant) -> None:
    change: dict[str, Any] = {"client_id": acme.id, "actor": SWEEPER, "access": "read_only"}
    set_standing(**change, reason="Unpaid since May.")
    version = _version()
    assert set_standing(**change, reason="Unpaid since May.").access_since is not None
    assert (_version(), len(_entries())) == (version, 1)
    # Another reason is news for those who read it; in full access nobody does.
    set_standing(**change, reason="Paused by its owner.")
    assert Client.objects.get(pk=acme.id).access_reason == "Paused by its owner."
    full = set_standing(client_id=acme.id, actor=SWEEPER, reason="It was paid.", access="full")
    assert (full.access_reason, full.access_until) == ("", None)
    set_standing(client_id=acme.id, actor=SWEEPER, reason="It was paid again.", access="full")
    assert len(_entries()) == 3


def test_many_are_told_of_once_and_those_that_went_are_left_out(acme: Tenant, globex: Tenant) -> None:
    changes = [
        Standing(client_id=each, reason="The trial is over.", plan="free", trial_ends_at=SOON)
        for each in (globex.id, acme.id, uuid7())
    ]
    version = _version()
    changed = set_standings(actor=SWEEPER, changes=changes)
    assert {client.pk for client in changed} == {acme.id, globex.id}
    assert (_version(), len(_entries())) == (version + 1, 2)


def test_what_cannot_be_is_refused(acme: Tenant) -> None:
    with pytest.raises(Invalid, match="Say why"):
        set_standing(client_id=acme.id, actor=SWEEPER, reason=" ", access="closed")
    with pytest.raises(NotFound):
        set_standing(client_id=uuid7(), actor=SWEEPER, reason="It was paid.", access="full")
    for wrong in ({"access": "half"}, {"plan_version": 0}):
        with pytest.raises(IntegrityError), transaction.atomic(using="control"):
            Client.objects.filter(pk=acme.id).update(**wrong)


def test_billing_says_what_a_new_tenant_begins_with(
    order: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "beginnings", [])
    plain = sign_up(**order)
    assert (plain.plan, plain.plan_version, plain.trial_ends_at, plain.access) == ("free", 1, None, "full")
    services.beginnings.append(lambda: Beginning("team", 2, SOON))
    begun = Client.objects.get(pk=sign_up(**{**order, "subdomain": "initrode"}).pk)
    assert (begun.plan, begun.plan_version, begun.trial_ends_at, begun.access) == ("team", 2, SOON, "full")
