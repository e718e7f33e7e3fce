"""What the period that runs comes to so far, from rollups: to be asked for at any moment."""

from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from django.db import connections

from billing.meters import METERS
from billing.pricing.periods import hour_of
from billing.pricing.rating import WHOLE, Bill, Terms, rate
from tenants.routers import CONTROL_ALIAS

# By the time that messages to Stripe are dated with, so that an hour falls into the same period here and there.
USED: Final = """
    SELECT meter, sum(quantity)::bigint, (array_agg(quantity ORDER BY hour DESC))[1]
      FROM billing_rollup
     WHERE tenant = %(tenant)s AND meter = ANY(%(meters)s) AND hour >= %(hour)s AND hour < %(end)s
       AND last_at >= %(begin)s AND last_at < %(end)s
     GROUP BY meter"""


def used_between(tenant: str, begin: datetime, end: datetime) -> dict[str, int]:
    """What a tenant has used of each meter between two moments; a gauge stands as it stood last."""
    given: dict[str, Any] = {"tenant": tenant, "meters": list(METERS), "begin": begin, "end": end}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(USED, {**given, "hour": hour_of(begin)})
        return {meter: METERS[meter].figure(total, last) for meter, total, last in cursor.fetchall()}


def preview(terms: Terms, *, tenant: str, begin: datetime, end: datetime, share: Fraction = WHOLE) -> Bill:
    """The bill for a period as it stands; nothing is written."""
    return rate(terms, used_between(tenant, begin, end), share=share)
