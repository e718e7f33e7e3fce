"""What nobody has in hand is handed out again, and what is old goes."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import connections
from django.utils import timezone

from shared_apps.inbox.storing import OVERDUE
from tenants.routers import CONTROL_ALIAS

MOST_AT_ONCE: Final = 1000
TAKE: Final = """
    UPDATE inbox_receivedevent SET sweep_at = %(now)s + %(overdue)s
     WHERE id IN (SELECT id FROM inbox_receivedevent WHERE status = 'waiting' AND sweep_at <= %(now)s
                   ORDER BY sweep_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
 RETURNING id"""


def take_overdue() -> list[UUID]:
    """Events that somebody has to be sent to; they stay waiting, in case that message is lost as well."""
    values: dict[str, Any] = {"now": timezone.now(), "overdue": OVERDUE, "most": MOST_AT_ONCE}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(TAKE, values)
        return [event_id for (event_id,) in cursor.fetchall()]
