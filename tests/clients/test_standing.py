"""A tenant's plan and access: one verb, told to the audit log and to every process."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client as DoorClient

from shared_apps.clients import services
from shared_apps.clients.models import Client, DirectoryVersion
from shared_apps.clients.services import Beginning, as_tenant, sign_up
from shared_apps.clients.standing import (
    EVENT,
    NotOnTrial,
    Standing,
    extend_trial,
    set_standing,
    set_standings,
)
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context
from tenants.errors import Invalid, NotFound
from tenants.hosts import directory
from tenants.models import uuid7

SWEEPER = Actor.system("the sweeper of trials")
SOON = datetime(2099, 1, 15, 9, tzinfo=UTC)


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


# By operators


def test_a_trial_is_extended_or_begun_anew_and_nobody_pays_twice(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "beginnings", [lambda: Beginning("team", 2, SOON)])
    extend = partial(extend_trial, client_id=acme.id, actor=SWEEPER, reason="They asked for it.")
    begun = extend(until=SOON)
    assert (begun.plan, begun.plan_version, begun.trial_ends_at) == ("team", 2, SOON)
    for wrong in (SOON, datetime(2020, 1, 1, tzinfo=UTC)):
        with pytest.raises(Invalid, match="after the present end"):
            extend(until=wrong)
    later = extend(until=SOON + timedelta(days=9))
    assert (later.plan, later.trial_ends_at) == ("team", SOON + timedelta(days=9))
    set_standing(client_id=acme.id, actor=SWEEPER, reason="It subscribed.", trial_ends_at=None)
    with pytest.raises(NotOnTrial, match="pays for its plan"):
        extend(until=SOON + timedelta(days=30))


def test_operators_change_access_and_trials_after_being_asked(operator: DoorClient, acme: Tenant) -> None:
    address = f"/admin/clients/client/{acme.id}"
    asked = operator.get(f"{address}/access/")
    assert asked.status_code == 200
    assert Client.objects.get(pk=acme.id).access == "full"
    given = {"access": "grace", "until": "2099-02-01T12:00", "reason": "A promise on the phone."}
    assert operator.post(f"{address}/access/", given).status_code == 302
    row = Client.objects.get(pk=acme.id)
    assert (row.access, row.access_until) == ("grace", datetime(2099, 2, 1, 12, tzinfo=UTC))
    refused = operator.post(f"{address}/access/", {"access": "grace", "reason": ""})
    assert "This field is required" in refused.content.decode()
    assert (
        operator.post(f"{address}/extend-trial/", {"until": "2099-01-31T12:00", "reason": "x"}).status_code
        == 302
    )
    assert Client.objects.get(pk=acme.id).trial_ends_at == datetime(2099, 1, 31, 12, tzinfo=UTC)
    assert operator.get("/admin/clients/client/?access__exact=grace").content.decode().count("Acme") >= 1


def test_the_shell_changes_access_and_trials() -> None:
    out = StringIO()
    given = ["--until", "2099-01-31", "--reason", "agreed on the phone", "--json"]
    call_command("tenant", "access", "acme", "--to", "grace", *given, stdout=out, stderr=StringIO())
    told = json.loads(out.getvalue())
    assert (told["access"], told["access_until"]) == ("grace", "2099-01-31 00:00:00+00:00")
    call_command("tenant", "extend-trial", "acme", *given[:4], stdout=out)
    assert Client.objects.get(subdomain="acme").trial_ends_at == datetime(2099, 1, 31, tzinfo=UTC)
