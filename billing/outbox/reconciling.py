"""Our outbox held against Stripe's own count, hour by hour: what differs is named, mended if it is small, or shown.

An amendment is a message of its own in the outbox that brings Stripe's figure to ours. It is not part of what we
expect: with it, Stripe has what the revisions of the hour say.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from django.db import connections, transaction

from billing.meters import Meter, meter_named
from billing.models import Difference
from billing.outbox.exporting import OLDEST
from billing.pricing.periods import HOUR
from billing.stripe.sending import Gateway
from tenants.routers import CONTROL_ALIAS

Kind: TypeAlias = Difference.Kind
Status: TypeAlias = Difference.Status
# What Stripe was told it shows in its summaries some minutes later.
LAG: Final = HOUR
# Mended without asking: so many units, or this share of the hour's figure.
UNITS, SHARE = 10, 0.01
MOST_AMENDMENTS: Final = 3

EXPECTED: Final = """
    SELECT e.tenant, c.stripe_id, e.meter, e.hour,
           coalesce(sum(e.value) FILTER (WHERE e.status = 'sent' AND e.amendment = 0), 0)::bigint,
           coalesce((array_agg(e.value ORDER BY e.revision DESC)
                     FILTER (WHERE e.status = 'sent' AND e.amendment = 0))[1], 0),
           bool_or(e.status = 'waiting' OR e.status = 'sent' AND e.settled_at > %(fresh)s),
           max(e.amendment), max(e.revision), max(e.at)
      FROM billing_export e JOIN billing_customer c USING (tenant)
     WHERE e.hour >= %(begin)s AND e.hour < %(end)s AND e.status NOT IN ('unbilled', 'apart')
       AND (%(tenant)s::text IS NULL OR e.tenant = %(tenant)s)
     GROUP BY e.tenant, c.stripe_id, e.meter, e.hour ORDER BY e.tenant, e.meter, e.hour"""
AMEND: Final = """
    WITH lane AS (
        INSERT INTO billing_lane (tenant, meter) VALUES (%(tenant)s, %(meter)s) ON CONFLICT DO NOTHING)
    INSERT INTO billing_export (tenant, meter, hour, revision, amendment, value, at, identifier)
    VALUES (%(tenant)s, %(meter)s, %(hour)s, %(revision)s, %(amendment)s, %(value)s, %(at)s, %(identifier)s)
    ON CONFLICT (tenant, meter, hour, revision, amendment) DO NOTHING"""
SAY: Final = """
    INSERT INTO billing_difference AS d
           (id, tenant, meter, hour, kind, expected, found, status, found_at, settled_at, settled_by)
    VALUES (gen_random_uuid(), %(tenant)s, %(meter)s, %(hour)s, %(kind)s, %(expected)s, %(found)s, %(status)s,
            %(now)s, %(settled_at)s, %(settled_by)s)
    ON CONFLICT (tenant, meter, hour) WHERE status = 'open' DO UPDATE
       SET kind = excluded.kind, expected = excluded.expected, found = excluded.found, status = excluded.status,
           found_at = excluded.found_at, settled_at = excluded.settled_at, settled_by = excluded.settled_by"""


@dataclass(frozen=True, slots=True)
class Hour:
    """What we have told Stripe about an hour of a tenant's meter."""

    tenant: str
    customer: str
    meter: str
    hour: datetime
    total: int
    level: int
    is_on_its_way: bool
    amendments: int
    revision: int
    at: datetime

    @property
    def of(self) -> Meter:
        return meter_named(self.meter)

    @property
    def expected(self) -> int:
        """The figure that Stripe should have."""
        return self.of.figure(self.total, self.level)

    def kind(self, found: int) -> Kind | None:
        """What is wrong with Stripe's figure, if anything is."""
        if found == self.expected:
            return None
        if self.is_on_its_way:
            return Kind.LATE
        return Kind.MISSING if found < self.expected else Kind.DOUBLE

    def is_small(self, found: int) -> bool:
        """Whether a difference is mended without asking anybody."""
        return abs(found - self.expected) <= max(UNITS, self.expected * SHARE)


def reconcile(
    gateway: Gateway, *, begin: datetime, end: datetime, now: datetime, tenant: str | None = None
) -> Counter[str]:
    """Compare the hours of a time; how many of each kind there were."""
    counted: Counter[str] = Counter()
    for hours in _groups(begin, end, now, tenant):
        first = hours[0]
        found = gateway.summaries(
            event_name=first.of.event_name, customer=first.customer, begin=begin, end=end
        )
        counted.update(_judge(hours, found, now))
    return counted


def amend(hour: Hour, found: int) -> None:
    """Put the message into the outbox that brings Stripe's figure to ours; in the caller's transaction."""
    number = hour.amendments + 1
    is_level = hour.of.formula == "last"
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(
            AMEND,
            {
                "tenant": hour.tenant,
                "meter": hour.meter,
                "hour": hour.hour,
                "revision": hour.revision,
                "amendment": number,
                "value": hour.expected if is_level else hour.expected - found,
                # The last figure of an hour counts, so it has to come after those before it.
                "at": min(hour.at + timedelta(seconds=is_level), hour.hour + HOUR - timedelta(seconds=1)),
                "identifier": f"{hour.tenant}:{hour.meter}:{hour.hour:%Y%m%dT%H}:{hour.revision}:a{number}",
            },
        )


def hour_at(tenant: str, meter: str, hour: datetime, now: datetime) -> Hour | None:
    """One hour as it stands now."""
    groups = list(_groups(hour, hour + HOUR, now, tenant))
    return next((each for group in groups for each in group if each.meter == meter), None)


def _groups(begin: datetime, end: datetime, now: datetime, tenant: str | None) -> Iterator[list[Hour]]:
    """Hours by tenant and meter."""
    group: list[Hour] = []
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(EXPECTED, {"begin": begin, "end": end, "tenant": tenant, "fresh": now - LAG})
        hours = [Hour(*row) for row in cursor.fetchall()]
    for hour in hours:
        if group and (group[0].tenant, group[0].meter) != (hour.tenant, hour.meter):
            yield group
            group = []
        group.append(hour)
    if group:
        yield group


def _judge(hours: list[Hour], found: Mapping[datetime, int], now: datetime) -> Iterator[str]:
    for hour in hours:
        kind = hour.kind(found.get(hour.hour, 0))
        with transaction.atomic(using=CONTROL_ALIAS):
            if kind is None:
                yield _agreed(hour, now)
            else:
                yield _differs(hour, kind, found.get(hour.hour, 0), now)


def _agreed(hour: Hour, now: datetime) -> str:
    same = Difference.objects.filter(tenant=hour.tenant, meter=hour.meter, hour=hour.hour)
    same.filter(status=Status.OPEN).update(status=Status.GONE, settled_at=now)
    return "agreed"


def _differs(hour: Hour, kind: Kind, found: int, now: datetime) -> str:
    can = hour.amendments < MOST_AMENDMENTS and hour.at > now - OLDEST
    mended = kind is not Kind.LATE and can and hour.is_small(found)
    if mended:
        amend(hour, found)
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(
            SAY,
            {
                "tenant": hour.tenant,
                "meter": hour.meter,
                "hour": hour.hour,
                "kind": str(kind),
                "expected": hour.expected,
                "found": found,
                "status": str(Status.CORRECTED if mended else Status.OPEN),
                "now": now,
                "settled_at": now if mended else None,
                "settled_by": "reconciliation" if mended else "",
            },
        )
    return f"{kind}, mended" if mended else str(kind)
