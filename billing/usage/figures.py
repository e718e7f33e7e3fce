"""What a tenant has used, read from rollups: by hours, days or months of UTC, and by credential.

Sums of buckets are the totals that are charged: an hour belongs to the span in which its last use lies, as in the
messages to Stripe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connections

from billing.meters import METERS, Meter
from billing.pricing.periods import DAY, HOUR, hour_of, months_later
from tenants.routers import CONTROL_ALIAS

# Of a gauge the last measure of a bucket is its level.
BUCKETS: Final = """
    SELECT meter, date_trunc(%(unit)s, hour, 'UTC'), sum(quantity)::bigint,
           (array_agg(quantity ORDER BY hour DESC))[1]
      FROM billing_rollup
     WHERE tenant = %(tenant)s AND meter = ANY(%(meters)s) AND hour >= %(hour)s AND hour < %(end)s
       AND last_at >= %(begin)s AND last_at < %(end)s
     GROUP BY 1, 2"""
SOURCES: Final = """
    SELECT source, sum(quantity)::bigint FROM billing_sourcehour
     WHERE tenant = %(tenant)s AND meter = %(meter)s AND hour >= %(hour)s AND hour < %(end)s
     GROUP BY 1"""
COUNTED: Final = "SELECT folded_at FROM billing_fold"


class Unit(StrEnum):
    """How long a bucket is."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


STEPS: Final = {Unit.HOUR: HOUR, Unit.DAY: DAY}


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was used in an hour, a day or a month; of a gauge None where it was not measured."""

    start: datetime
    quantity: int | None


Found = Mapping[str, Mapping[datetime, int]]


def found_between(
    tenant: str, begin: datetime, end: datetime, unit: Unit, meters: Sequence[str] = tuple(METERS)
) -> Found:
    """The buckets of each meter in which something was counted."""
    given: dict[str, Any] = {
        "tenant": tenant,
        "meters": list(meters),
        "begin": begin,
        "end": end,
        "hour": hour_of(begin),
        "unit": str(unit),
    }
    found: dict[str, dict[datetime, int]] = {key: {} for key in meters}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(BUCKETS, given)
        for meter, start, total, last in cursor.fetchall():
            found[meter][start] = METERS[meter].figure(total, last)
    return found


def buckets(
    meter: Meter, found: Mapping[datetime, int], begin: datetime, end: datetime, unit: Unit
) -> list[Bucket]:
    """Every bucket from one moment up to another one, those of which nothing was found included."""
    nothing = None if meter.is_gauge else 0
    return [Bucket(start, found.get(start, nothing)) for start in starts(begin, end, unit)]


def starts(begin: datetime, end: datetime, unit: Unit) -> list[datetime]:
    """When the buckets of a span begin; the first one may begin before it."""
    start, found = start_of(begin, unit), []
    while start < end:
        found.append(start)
        start = months_later(start, 1) if unit is Unit.MONTH else start + STEPS[unit]
    return found


def start_of(when: datetime, unit: Unit) -> datetime:
    """When the bucket of a moment began."""
    hour = hour_of(when)
    if unit is Unit.HOUR:
        return hour
    day = hour.replace(hour=0)
    return day if unit is Unit.DAY else day.replace(day=1)


def total(meter: Meter, found: Mapping[datetime, int]) -> int:
    """The figure of the whole span: the sum, of a gauge the last level."""
    if meter.formula == "sum":
        return sum(found.values())
    return found[max(found)] if found else 0


def by_source(tenant: str, meter: str, begin: datetime, end: datetime) -> dict[UUID, int]:
    """What each credential has used of a meter, in whole hours."""
    given: dict[str, Any] = {"tenant": tenant, "meter": meter, "hour": hour_of(begin), "end": end}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(SOURCES, given)
        return dict(cursor.fetchall())


def counted_at() -> datetime | None:
    """When the ledger was last added up; what happened since is not in these figures yet."""
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(COUNTED)
        row = cursor.fetchone()
    return row[0] if row else None
