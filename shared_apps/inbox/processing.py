"""One event in one worker: claimed, locked, handled and marked, so that it has its effect once.

Claiming counts the try and is committed first: an event over which workers die is given up like any other that fails.
The handler and the mark share a transaction that holds the event's row; who comes meanwhile finds it locked and leaves.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connections, transaction
from django.utils import timezone

from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import Ignored, Later, handler_of
from shared_apps.inbox.storing import UNHANDLED
from tenants.routers import CONTROL_ALIAS

Status = ReceivedEvent.Status
MOST_TRIES: Final = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
# "Not now" counts as no try, and still has to come to an end that somebody sees.
LATEST: Final = timedelta(days=7)
NOBODY_LIVED: Final = "no worker lived to say why"
CLAIM: Final = """
    UPDATE inbox_receivedevent SET tries = tries + 1, updated_at = %(now)s,
           sweep_at = %(now)s + least(%(first)s * (1 << least(tries, 12)), %(longest)s)
     WHERE id = (SELECT id FROM inbox_receivedevent WHERE id = %(id)s AND status = 'waiting'
                    FOR UPDATE SKIP LOCKED)
 RETURNING tries"""
log = structlog.get_logger("rowhouse.inbox")


def process(event_id: UUID) -> str | None:
    """Have an event handled; how it stands afterwards, or None where it is in other hands or settled."""
    tries = _claim(event_id, timezone.now())
    if tries is None:
        return None
    with structlog.contextvars.bound_contextvars(stripe_event=str(event_id)):
        if tries > MOST_TRIES:
            return _fail(event_id, tries, "")
        try:
            return _handle(event_id)
        except Ignored as why:
            return _settle(event_id, Status.IGNORED, str(why))
        except Later as later:
            return _postpone(event_id, tries, later)
        except Exception as error:
            log.exception("inbox.try_failed", tries=tries)
            return _fail(event_id, tries, f"{type(error).__name__}: {error}")


def _claim(event_id: UUID, now: datetime) -> int | None:
    values: dict[str, Any] = {"id": event_id, "now": now, "first": FIRST_PAUSE, "longest": LONGEST_PAUSE}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
    return row[0] if row else None


def _handle(event_id: UUID) -> str | None:
    """The one transaction: what the handler writes, and the mark."""
    with transaction.atomic(using=CONTROL_ALIAS, durable=True):
        row = _locked(event_id)
        if row is None:
            return None
        handler = handler_of(row.type)
        if handler is None:
            return _settle(event_id, Status.IGNORED, UNHANDLED)
        handler(row.as_event())
        return _settle(event_id, Status.PROCESSED, "")


def _locked(event_id: UUID) -> ReceivedEvent | None:
    return (
        ReceivedEvent.objects.using(CONTROL_ALIAS)
        .select_for_update(skip_locked=True)
        .filter(pk=event_id, status=Status.WAITING)
        .first()
    )


def _settle(event_id: UUID, status: str, note: str, **conditions: Any) -> str | None:
    now = timezone.now()
    rows = ReceivedEvent.objects.waiting().filter(pk=event_id, **conditions)
    values = {"status": status, "note": _clean(note), "sweep_at": None}
    return status if rows.update(**values, settled_at=now, updated_at=now) else None


def _fail(event_id: UUID, tries: int, error: str) -> str | None:
    """Keep the error; the try after the last one is none."""
    if tries >= MOST_TRIES:
        last = ReceivedEvent.objects.filter(pk=event_id).values_list("note", flat=True).first()
        note = f"Given up after {MOST_TRIES} tries. {error or last or NOBODY_LIVED}"
        status = _settle(event_id, Status.DEAD, note, tries=tries)
        log.error("inbox.given_up", status=status)
        return status
    return _note(event_id, tries, {"note": error})


def _postpone(event_id: UUID, tries: int, later: Later) -> str | None:
    log.info("inbox.put_off", reason=str(later))
    now = timezone.now()
    old = ReceivedEvent.objects.filter(pk=event_id, created_at__lt=now - LATEST)
    if old.exists():
        return _settle(event_id, Status.DEAD, f"Put off for a week. {later}", tries=tries)
    return _note(event_id, tries, {"note": str(later), "sweep_at": now + later.after, "tries": tries - 1})


def _note(event_id: UUID, tries: int, values: dict[str, Any]) -> str | None:
    """Write down how a try ended, unless somebody else has tried since."""
    rows = ReceivedEvent.objects.waiting().filter(pk=event_id, tries=tries)
    is_ours = rows.update(**values | {"note": _clean(values["note"])}, updated_at=timezone.now())
    return Status.WAITING if is_ours else None


def _clean(text: str) -> str:
    """What the database can keep, and people will read."""
    return text.replace("\0", "")[:2000]
