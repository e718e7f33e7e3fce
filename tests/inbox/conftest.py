"""An account of the tests at Stripe, and a handler that leaves a trace in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from shared_apps.inbox import registry, storing
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import Event
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.audit.services import record
from tenants.context import public_context
from tests.inbox.messages import SECRET

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
    monkeypatch.setattr(storing.queue, "send", found.append)
    return found


@pytest.fixture
def handled(sent: list[Any]) -> list[Any]:
    """A handler of invoices that leaves a trace; the ids of events that workers were sent to."""
    registry.handles("invoice.*")(leave_a_trace)
    return sent


def leave_a_trace(event: Event) -> None:
    record(actor=Actor.system("test"), verb=EFFECT, data={"event": event.id, "customer": event.customer})


def effects() -> list[str]:
    """The events that had an effect, as often as they had it."""
    rows = AuditEntry.objects.filter(verb=EFFECT).values_list("data__event", flat=True)
    return sorted(rows)


def the_event(name: str) -> ReceivedEvent:
    return ReceivedEvent.objects.get(stripe_id=name)
