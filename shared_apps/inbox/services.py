"""What is done with events besides taking and processing them: each verb in one transaction with its audit entry."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shared_apps.inbox.models import Listing, ReceivedEvent
from shared_apps.inbox.reading import read_event
from shared_apps.inbox.registry import handled_types, the_list
from shared_apps.inbox.sending import messenger
from shared_apps.inbox.storing import OVERDUE, NotSetUp, store
from tenants.audit.actors import Actor
from tenants.audit.services import record, record_all
from tenants.errors import Conflict, DomainError
from tenants.routers import CONTROL_ALIAS

Status = ReceivedEvent.Status
# So many are replayed at once; whoever wants more asks again.
MOST: Final = 1000
# Stripe's list reaches back as far, and its webhooks get as long to come by themselves.
REACH, UNDERWAY = timedelta(days=30), timedelta(minutes=10)
# Each look begins before the end of the last one: Stripe may list an event late.
OVERLAP: Final = timedelta(days=2)
log = structlog.get_logger("rowhouse.inbox")


class NotNow(Conflict):
    """What is asked for does not fit the state that the event is in."""

    code = "not_in_this_state"
    title = "That cannot be done with it now"


def replay_events(*, event_ids: Collection[UUID], actor: Actor) -> int:
    """Have events processed again that are settled, from their first try; how many there were."""
    with transaction.atomic(using=CONTROL_ALIAS):
        rows = ReceivedEvent.objects.filter(pk__in=event_ids, status__in=ReceivedEvent.SETTLED)
        return _replay(rows, actor)


def replay_dead(*, actor: Actor) -> int:
    """Have all events processed again that were given up, the oldest first; how many there were."""
    with transaction.atomic(using=CONTROL_ALIAS):
        return _replay(ReceivedEvent.objects.dead(), actor)


def _replay(rows: Any, actor: Actor) -> int:
    events = list(rows.select_for_update().order_by("created_at", "id")[:MOST])
    told = [(event, {"event": event.stripe_id, "was": event.status, "note": event.note}) for event in events]
    now, keys = timezone.now(), [event.pk for event in events]
    again = {"status": Status.WAITING, "tries": 0, "settled_at": None, "note": ""}
    ReceivedEvent.objects.filter(pk__in=keys).update(**again, sweep_at=now + OVERDUE, updated_at=now)
    record_all(actor=actor, verb="stripe_event.replayed", told=told)
    for key in keys:
        transaction.on_commit(lambda key=key: messenger.send(key), using=CONTROL_ALIAS, robust=True)  # type: ignore[misc]
    return len(events)


def dismiss_event(*, event_id: UUID, reason: str, actor: Actor) -> ReceivedEvent:
    """Leave an event that was given up unprocessed for good."""
    with transaction.atomic(using=CONTROL_ALIAS):
        event = ReceivedEvent.objects.select_for_update().get(pk=event_id)
        if event.status != Status.DEAD:
            raise NotNow(
                f"The event is {event.get_status_display().lower()}; only one that was given up can be."
            )
        event.status, event.note = Status.IGNORED, f"Dismissed by {actor.label}: {reason}"
        event.save(update_fields=["status", "note", "updated_at"])
        record(actor=actor, verb="stripe_event.dismissed", target=event, data={"event": event.stripe_id})
    return event


def can_fetch() -> bool:
    """Whether there is an account whose list can be looked through."""
    return the_list() is not None and bool(settings.STRIPE_API_KEY)


def fetch_missing(*, actor: Actor, now: datetime | None = None) -> Listing:
    """Keep the events that Stripe lists and that never came: since the last look, or as far back as the list goes."""
    source = the_list()
    if source is None or not can_fetch():
        raise NotSetUp("Without an account there is no list of events. Set STRIPE_API_KEY.")
    end = (now or timezone.now()) - UNDERWAY
    begin, listed, found = _begin(end), 0, 0
    for body in source(begin, end, handled_types()):
        listed += 1
        found += _keep(body)
    with transaction.atomic(using=CONTROL_ALIAS):
        listing = Listing(begin=begin, end=end, listed=listed, found=found)
        listing.save(force_insert=True)
        told = {"begin": begin.isoformat(), "end": end.isoformat(), "listed": listed, "found": found}
        record(actor=actor, verb="stripe_events.fetched", target=listing, data=told)
    return listing


def _begin(end: datetime) -> datetime:
    last = Listing.objects.order_by("-end").first()
    return max(end - REACH, last.end - OVERLAP) if last else end - REACH


def _keep(body: bytes) -> bool:
    """One that cannot be read must not hide the others."""
    try:
        return store(read_event(body), body, ReceivedEvent.Source.LIST, timezone.now())
    except DomainError as refusal:
        log.error("inbox.listed_event_refused", code=refusal.code, detail=refusal.detail)
        return False
