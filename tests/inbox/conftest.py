"""An account of the tests at Stripe, and a handler that leaves a trace in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from shared_apps.inbox import registry, storing, sweeping
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import Event
from shared_apps.inbox.sending import messenger
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.audit.services import record
from tenants.context import public_context
from tests.inbox.messages import SECRET, signed, snapshot

EFFECT = "test.effect"


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys and secrets, and no other handlers than the test's."""
    monkeypatch.setattr(settings, "STRIPE_API_KEY", "sk_test_simulator")
    monkeypatch.setattr(settings, "STRIPE_WEBHOOK_SECRETS", [SECRET])
    monkeypatch.setattr(registry, "_handlers", {})
    with public_context():
        yield


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids of events that workers were sent to, in place of the queue."""
    found: list[Any] = []
    monkeypatch.setattr(messenger, "send", found.append)
    return found


@pytest.fixture
def handled(sent: list[Any]) -> list[Any]:
    """A handler of invoices that leaves a trace; the ids of events that workers were sent to."""

    def handler(event: Event) -> None:
        leave_a_trace(event)  # by its name, as tests put a killer in its place

    registry.handles("invoice.*")(handler)
    return sent


def leave_a_trace(event: Event) -> None:
    record(actor=Actor.system("test"), verb=EFFECT, data={"event": event.id, "customer": event.customer})


def effects() -> list[str]:
    """The events that had an effect, as often as they had it."""
    rows = AuditEntry.objects.filter(verb=EFFECT).values_list("data__event", flat=True)
    return sorted(rows)


def the_event(name: str) -> ReceivedEvent:
    return ReceivedEvent.objects.get(stripe_id=name)


def an_event(name: str, type_: str = "invoice.paid") -> ReceivedEvent:
    """An event that has just come."""
    body = json.dumps(snapshot(name, type_)).encode()
    storing.receive(body=body, signature=signed(body))
    return the_event(name)


def swept(event: ReceivedEvent) -> list[Any]:
    """What the sweeper finds when the time of an event has come."""
    assert sweeping.take_overdue() == [], "it is too early"
    ReceivedEvent.objects.filter(pk=event.pk).update(sweep_at=timezone.now())
    return sweeping.take_overdue()
