"""Adding up days, so that reports need not read every order."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from tenant_apps.reports.models import SalesDay, Stand
from tenant_apps.reports.statements import FORGET, ROLL_SALES, STALE
from tenants.context import current_tenant

# A transaction that began before this is over: what it wrote can be seen, whatever time it stamped.
SETTLED_AFTER: Final = timedelta(minutes=15)
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAYS_AT_ONCE: Final = 100


@transaction.atomic
def roll_up() -> int:
    """Add up anew the days whose orders have changed; answers with their number. What is derived is not audited."""
    until = timezone.now() - SETTLED_AFTER
    zone = current_tenant().time_zone
    stand, _ = Stand.objects.select_for_update().get_or_create(
        defaults={"through": BEGINNING, "time_zone": zone}
    )
    if stand.time_zone != zone:
        _forget_all(stand, zone)
    days = stale_days(stand.through, zone)
    for start in range(0, len(days), DAYS_AT_ONCE):
        _roll(days[start : start + DAYS_AT_ONCE], zone)
    stand.through = max(until, stand.through)
    stand.save(update_fields=["through", "time_zone"])
    return len(days)


@transaction.atomic
def forget_days() -> None:
    """Have all days added up anew: orders are gone, and a row that is gone tells nobody that its day has changed."""
    stand = Stand.objects.select_for_update().first()
    if stand is not None:
        _forget_all(stand, stand.time_zone)
        stand.save(update_fields=["through", "time_zone"])


def stale_days(through: datetime, zone: str) -> list[date]:
    """Days with an order that has changed since, in order."""
    with connection.cursor() as cursor:
        cursor.execute(STALE, {"through": through, "zone": zone})
        return sorted(day for (day,) in cursor.fetchall())


def _forget_all(stand: Stand, zone: str) -> None:
    # With the zone the days begin at other moments, and every one of them is another.
    SalesDay.objects.all().delete()
    stand.through, stand.time_zone = BEGINNING, zone


def _roll(days: list[date], zone: str) -> None:
    values: dict[str, Any] = {
        "days": days,
        "zone": zone,
        "begin": midnight(days[0], zone),
        "end": midnight(days[-1] + timedelta(days=1), zone),
    }
    with connection.cursor() as cursor:
        cursor.execute(FORGET, values)
        cursor.execute(ROLL_SALES, values)


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day of the tenant's calendar begins; a day may have 23 or 25 hours."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
