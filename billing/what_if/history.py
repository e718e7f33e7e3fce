"""A tenant's past months and the plans that it can choose from, for the what-if calculator."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.db import connections
from django.utils import timezone

from billing.meters import METERS
from billing.plans.catalogue import PlanVersion, offered, plan_of
from billing.pricing.periods import month_of, months_later
from billing.what_if.quotes import Month, Quote, cheapest, scaled, what_if
from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS

MONTHS: Final = 12
# An hour's messages to Stripe are dated within the hour, so that its calendar month is theirs.
BY_MONTH: Final = """
    SELECT date_trunc('month', hour, 'UTC'), meter, sum(quantity)::bigint,
           (array_agg(quantity ORDER BY hour DESC))[1]
      FROM billing_rollup
     WHERE tenant = %s AND meter = ANY(%s) AND hour >= %s AND hour < %s
     GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tenant's months as they were or are supposed to be, with every plan's price for them."""

    months: list[Month]
    quotes: list[Quote]
    own: PlanVersion
    cheapest: Quote | None

    @property
    def currency(self) -> str:
        return self.own.currency


def compare(tenant: Tenant, factors: Mapping[str, Decimal]) -> Comparison:
    """What the plans that are sold, and the tenant's own, would cost for the last twelve months."""
    own = plan_of(tenant)
    versions = [version for version in offered() if version.currency == own.currency]
    if own not in versions:
        versions.insert(0, own)
    months = scaled(months_of(tenant.schema, timezone.now()), factors)
    quotes = what_if(months, versions)
    return Comparison(months, quotes, own, cheapest(quotes))


def months_of(schema: str, now: datetime) -> list[Month]:
    """The months from the first use on, twelve at most; the one that runs is always there."""
    running = month_of(now)
    begins = [months_later(running.begin, -turn) for turn in reversed(range(MONTHS))]
    found = _used_by_month(schema, begins[0], running.end)
    known = [begin for begin in begins if begin in found or begin == running.begin]
    return [
        Month(begin, found.get(begin, {}), begin == running.begin) for begin in begins if begin >= known[0]
    ]


def _used_by_month(schema: str, begin: datetime, end: datetime) -> dict[datetime, dict[str, int]]:
    found: dict[datetime, dict[str, int]] = {}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(BY_MONTH, (schema, list(METERS), begin, end))
        for month, meter, total, last in cursor.fetchall():
            found.setdefault(month.astimezone(UTC), {})[meter] = METERS[meter].figure(total, last)
    return found
