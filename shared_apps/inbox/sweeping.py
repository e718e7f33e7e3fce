"""What nobody has in hand is handed out again, and what is old goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.utils import timezone

from shared_apps.inbox.storing import OVERDUE
from tenants.routers import CONTROL_ALIAS

MOST_AT_ONCE: Final = 1000
KEPT_FOR: Final = timedelta(days=90)
TAKE: Final = """
    UPDATE inbox_receivedevent SET sweep_at = %(now)s + %(overdue)s
     WHERE id IN (SELECT id FROM inbox_receivedevent WHERE status = 'waiting' AND sweep_at <= %(now)s
                   ORDER BY sweep_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
 RETURNING id"""
FORGET: Final = """
    DELETE FROM inbox_receivedevent WHERE id IN (
        SELECT id FROM inbox_receivedevent WHERE created_at < %(before)s AND status IN ('processed', 'ignored')
         ORDER BY created_at LIMIT %(most)s)"""


def take_overdue() -> list[UUID]:
    """Events that somebody has to be sent to; they stay waiting, in case that message is lost as well."""
    values: dict[str, Any] = {"now": timezone.now(), "overdue": OVERDUE, "most": MOST_AT_ONCE}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(TAKE, values)
        return [event_id for (event_id,) in cursor.fetchall()]


def forget_old() -> int:
    """Drop events that were settled long ago; how many. Those that were given up stay until somebody decides."""
    values: dict[str, Any] = {"before": timezone.now() - KEPT_FOR, "most": MOST_AT_ONCE}
    count = 0
    while gone := _forget(values):
        count += gone
    return count


def _forget(values: dict[str, Any]) -> int:
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(FORGET, values)
        return int(cursor.rowcount)
