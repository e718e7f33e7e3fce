"""The way in: one statement keeps an event, and a message sends a worker. Without the message the sweeper does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.reading import Read, read_event
from shared_apps.inbox.registry import handler_of
from shared_apps.inbox.sending import messenger
from shared_apps.inbox.signatures import check_signature
from tenants.errors import DomainError, is_away
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

Source, Status = ReceivedEvent.Source, ReceivedEvent.Status
# A message that was sent and led to nothing by then is sent again.
OVERDUE: Final = timedelta(seconds=30)
UNHANDLED: Final = "nothing here handles this type"
STORE: Final = """
    INSERT INTO inbox_receivedevent (id, created_at, updated_at, stripe_id, type, occurred_at, livemode, is_thin,
        object_id, object_type, customer, body, source, status, tries, sweep_at, settled_at, note)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s)
    ON CONFLICT (stripe_id) DO NOTHING"""


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
    is_new = _insert(values)
    if is_new and is_handled:
        transaction.on_commit(lambda: messenger.send(key), using=CONTROL_ALIAS, robust=True)
    return is_new


def _insert(values: Sequence[Any]) -> bool:
    """Write the row, if its id is new."""
    connection = connections[CONTROL_ALIAS]
    # It may be sent twice, so the connection is not asked first whether it lives: that would cost as much again.
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _execute(connection, values)
    except (OperationalError, InterfaceError) as error:
        if connection.in_atomic_block or not is_away(error):
            raise
        connection.close()
        return _execute(connection, values)


def _execute(connection: BaseDatabaseWrapper, values: Sequence[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(STORE, values)
        return bool(cursor.rowcount)
