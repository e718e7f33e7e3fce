"""The way in: one statement keeps an event, and a message sends a worker. Without the message the sweeper does."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.reading import Read, read_event
from shared_apps.inbox.registry import handler_of
from shared_apps.inbox.signatures import check_signature
from tenants.errors import DomainError
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

Source, Status = ReceivedEvent.Source, ReceivedEvent.Status
# A message that was sent and led to nothing by then is sent again.
OVERDUE: Final = timedelta(seconds=30)
# While the queue is away, nobody waits for it at each event.
QUIET_SECONDS: Final = 5.0
UNHANDLED: Final = "nothing here handles this type"
STORE: Final = """
    INSERT INTO inbox_receivedevent (id, created_at, updated_at, stripe_id, type, occurred_at, livemode, is_thin,
        object_id, object_type, customer, body, source, status, tries, sweep_at, settled_at, note)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s)
    ON CONFLICT (stripe_id) DO NOTHING"""
log = structlog.get_logger("rowhouse.inbox")


class NotSetUp(DomainError):
    """Nobody has told the platform its key or its secrets."""

    code = "webhooks_not_set_up"
    status = 503
    title = "This platform does not take Stripe's events yet"


def receive(*, body: bytes, signature: str) -> str:
    """Keep an event that Stripe has signed, and have it processed; its id. One that is here already is as good.

    There is no actor and no audit entry: the row is Stripe's own account of it.
    """
    secrets = [secret for secret in settings.STRIPE_WEBHOOK_SECRETS if secret]
    if not secrets or not settings.STRIPE_API_KEY:
        raise NotSetUp("Set STRIPE_API_KEY and STRIPE_WEBHOOK_SECRETS. Stripe sends this event again later.")
    now = timezone.now()
    check_signature(body, signature, secrets, now)
    read = read_event(body)
    store(read, body, Source.WEBHOOK, now)
    return read.stripe_id


def store(read: Read, body: bytes, source: str, now: datetime) -> bool:
    """Keep an event once, and send a worker after the commit; whether it is new."""
    key, is_handled = uuid7(), handler_of(read.type) is not None
    status, sweep_at, settled_at, note = (
        (Status.WAITING, now + OVERDUE, None, "") if is_handled else (Status.IGNORED, None, now, UNHANDLED)
    )
    values = (
        key, now, now, read.stripe_id, read.type, read.occurred_at, read.livemode, read.is_thin, read.object_id,
        read.object_type, read.customer, body.decode(), source, status, sweep_at, settled_at, note,
    )  # fmt: skip
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(STORE, values)
        is_new = bool(cursor.rowcount)
    if is_new and is_handled:
        transaction.on_commit(lambda: wake(key), using=CONTROL_ALIAS, robust=True)
    return is_new


class _Queue:
    """The way to the workers; while it is broken, it is tried only now and then."""

    def __init__(self) -> None:
        self.quiet_until = 0.0

    def send(self, event_id: UUID) -> None:
        from shared_apps.inbox.tasks import process_event

        if time.monotonic() < self.quiet_until:
            return
        try:
            process_event.apply_async((str(event_id),), retry=False)
        except (OperationalError, OSError) as error:
            self.quiet_until = time.monotonic() + QUIET_SECONDS
            log.warning("inbox.queue_away", error=str(error))


queue = _Queue()


def wake(event_id: UUID) -> None:
    """Send a worker to an event. When the queue does not answer, the sweeper comes later."""
    queue.send(event_id)
