"""The outbox on its way to Stripe: each message once, one at a time for a customer and a meter, at Stripe's pace.

A lane (tenant and meter) is held by a lease while its next message is sent. That a message is tried is written down
before it leaves, so whoever follows a killed sender knows that it may have arrived. Nothing is open in the database
while Stripe is waited for.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from django.db import connections, transaction
from django.utils import timezone

from billing.meters import meter_named
from billing.models import Customer, Export
from billing.pricing.periods import HOUR
from billing.stripe.sending import (
    EVENTS_PER_SECOND,
    Breaker,
    Gateway,
    MeterEvent,
    Pace,
    Refused,
    Unavailable,
)
from billing.usage.rollups import seal_tenant
from tenants.routers import CONTROL_ALIAS

Status = Export.Status
LEASE: Final = timedelta(seconds=120)
# No try begins later than this after the lease was taken: it has to be over before the lease is.
BEGIN_WITHIN: Final = 60.0
ROUND: Final = 500
THREADS: Final = 16
# Stripe keeps identifiers for 24 hours, and takes events of the last 35 days; an hour of each is kept back.
IDENTIFIER_HOLDS: Final = timedelta(hours=23)
OLDEST: Final = timedelta(days=35) - HOUR
ALARM: Final = timedelta(days=7)
FIRST_REST: Final = 10.0
LONGEST_REST: Final = 3600.0
log = structlog.get_logger("rowhouse.billing")

# Nobody pays for these through Stripe: who becomes a customer pays from then on.
WITHOUT_CUSTOMER: Final = """
    UPDATE billing_export e SET status = 'unbilled', settled_at = %(now)s
     WHERE status = 'waiting' AND tries = 0 AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
       AND NOT EXISTS (SELECT FROM billing_customer c WHERE c.tenant = e.tenant)"""
# Stripe takes none that old, and charges none that is dated in a period whose invoice is final.
TOO_LATE: Final = """
    UPDATE billing_export e SET status = 'apart', settled_at = %(now)s
     WHERE status = 'waiting' AND tries = 0 AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
       AND (at < %(oldest)s OR EXISTS (
            SELECT FROM billing_stripeinvoice i
             WHERE i.tenant = e.tenant AND i.reason = 'subscription_cycle' AND i.period_start <= e.at
               AND i.period_end > e.at AND i.status IN ('open', 'paid', 'uncollectible')))"""
CLAIM: Final = """
    WITH free AS (
        SELECT id FROM billing_lane l
         WHERE (leased_until IS NULL OR leased_until <= %(now)s) AND (retry_at IS NULL OR retry_at <= %(now)s)
           AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
           AND EXISTS (SELECT FROM billing_export e
                        WHERE e.tenant = l.tenant AND e.meter = l.meter AND e.status = 'waiting')
         LIMIT %(most)s FOR UPDATE SKIP LOCKED)
    UPDATE billing_lane l SET lease = %(lease)s, leased_until = %(until)s FROM free WHERE l.id = free.id"""
# A statement of its own: it sees what the lanes' last holders have left.
TAKE: Final = """
    WITH next AS (
        SELECT DISTINCT ON (e.tenant, e.meter) e.id
          FROM billing_lane l JOIN billing_export e USING (tenant, meter)
         WHERE l.lease = %(lease)s AND e.status = 'waiting'
         ORDER BY e.tenant, e.meter, e.hour, e.revision, e.amendment)
    UPDATE billing_export e SET tries = tries + 1, first_tried_at = coalesce(first_tried_at, %(now)s)
      FROM next WHERE e.id = next.id
    RETURNING e.id, e.tenant, e.meter, e.hour, e.value, e.at, e.identifier, e.tries, e.first_tried_at,
              coalesce((SELECT stripe_id FROM billing_customer c WHERE c.tenant = e.tenant), ''),
              (SELECT coalesce(sum(value), 0)::bigint FROM billing_export s WHERE s.tenant = e.tenant
                  AND s.meter = e.meter AND s.hour = e.hour AND s.status = 'sent')"""
SETTLE: Final = """
    UPDATE billing_export e
       SET status = coalesce(nullif(u.status, ''), e.status), error = u.error,
           settled_at = CASE WHEN u.status <> '' THEN %(now)s::timestamptz END
      FROM unnest(%(ids)s::uuid[], %(statuses)s::text[], %(errors)s::text[]) AS u (id, status, error)
     WHERE e.id = u.id AND e.status = 'waiting'"""
RELEASE: Final = """
    UPDATE billing_lane l
       SET lease = NULL, leased_until = NULL, tries = CASE WHEN u.failed THEN l.tries + 1 ELSE 0 END,
           retry_at = CASE WHEN u.failed THEN %(now)s::timestamptz + make_interval(secs => least(
                      %(first)s * 2.0 ^ least(l.tries, 20), %(longest)s) * (0.85 + 0.3 * random())) END
      FROM unnest(%(tenants)s::text[], %(meters)s::text[], %(failed)s::boolean[]) AS u (tenant, meter, failed)
     WHERE l.tenant = u.tenant AND l.meter = u.meter AND l.lease = %(lease)s"""
FREE: Final = "UPDATE billing_lane SET lease = NULL, leased_until = NULL WHERE lease = %(lease)s"


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox in this process's hands; `counted` is what Stripe should have of its hour without it."""

    id: UUID
    tenant: str
    meter: str
    hour: datetime
    value: int
    at: datetime
    identifier: str
    tries: int
    first_tried_at: datetime
    customer: str
    counted: int

    def as_event(self) -> MeterEvent:
        """What is sent."""
        name = meter_named(self.meter).event_name
        return MeterEvent(self.customer, name, self.value, self.at, self.identifier)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message; without a status it goes on waiting."""

    status: str = ""
    error: str = ""
    is_failure: bool = False


NOT_TRIED: Final = Outcome()


class Exporter:
    """Sends what waits, round by round, until nothing does or Stripe is not well."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        pace: Pace | None = None,
        breaker: Breaker | None = None,
        now: Callable[[], datetime] = timezone.now,
        threads: int = THREADS,
    ) -> None:
        self._gateway, self._now, self._threads = gateway, now, threads
        self._pace, self._breaker = pace or Pace(EVENTS_PER_SECOND), breaker or Breaker()

    def run(self, tenant: str | None = None) -> Counter[str]:
        """Send everything that is due, or that of one tenant; how many messages ended how."""
        ended: Counter[str] = Counter(set_aside(self._now(), tenant))
        with ThreadPoolExecutor(self._threads) as pool:
            while not self._breaker.is_resting and (turn := self._round(pool, tenant)):
                ended.update(turn)
        return ended

    def _round(self, pool: ThreadPoolExecutor, tenant: str | None) -> Counter[str]:
        lease, begun = uuid4(), time.monotonic()
        messages = _claim(lease, self._now(), tenant)
        outcomes = list(pool.map(lambda message: self._deliver(message, begun), messages))
        _settle(lease, messages, outcomes, self._now())
        return Counter(outcome.status or "waiting" for outcome in outcomes)

    def _deliver(self, message: Message, begun: float) -> Outcome:
        if time.monotonic() > begun + BEGIN_WITHIN or not self._breaker.lets_through():
            return NOT_TRIED
        self._pace.wait()
        try:
            outcome = self._said(message)
        except Refused as refusal:
            outcome = Outcome(Status.REFUSED, str(refusal))
        except Exception as error:
            if not isinstance(error, Unavailable):
                log.exception("billing.export_failed", identifier=message.identifier)
            outcome = Outcome(error=f"{type(error).__name__}: {error}", is_failure=True)
        self._breaker.note(is_well=not outcome.is_failure)
        return outcome

    def _said(self, message: Message) -> Outcome:
        """Send it; first look whether it was counted, where an identifier would not keep it from counting twice."""
        now = self._now()
        if message.tries > 1 and message.first_tried_at < now - IDENTIFIER_HOLDS:
            settled = self._already(message)
            if settled is not None:
                return settled
        if message.at < now - OLDEST:
            return Outcome(Status.APART)
        self._gateway.send(message.as_event())
        return Outcome(Status.SENT)

    def _already(self, message: Message) -> Outcome | None:
        """What Stripe's own count says of a message that was tried long ago; None if it is not in there."""
        meter = meter_named(message.meter)
        found = self._gateway.summaries(
            event_name=meter.event_name,
            customer=message.customer,
            begin=message.hour,
            end=message.hour + HOUR,
        ).get(message.hour, 0)
        if meter.formula == "last":
            return Outcome(Status.SENT) if found == message.value else None
        if found == message.counted + message.value:
            return Outcome(Status.SENT)
        if found == message.counted:
            return None
        error = f"Stripe has {found}; {message.counted} without this message and {message.value} with it."
        return Outcome(Status.UNCLEAR, error)


def flush(exporter: Exporter, tenant: str, *, before: datetime | None = None) -> bool:
    """Send all that a tenant has used up to now, for an invoice or an end; whether nothing is left that waits."""
    seal_tenant(tenant, before=before)
    exporter.run(tenant)
    return not waiting(tenant)


def waiting(tenant: str) -> int:
    """How many messages of a tenant have not come to an end."""
    return Export.objects.filter(tenant=tenant, status=Status.WAITING).count()


def owes(tenant: str) -> str:
    """Why a tenant that pays by Stripe may not be deleted yet; nothing, if Stripe knows of all that it has used."""
    if not Customer.objects.filter(tenant=tenant).exists():
        return ""
    seal_tenant(tenant)
    if not (count := waiting(tenant)):
        return ""
    return (
        f"{count} messages about what the tenant has used have not reached Stripe yet. They are sent every minute; "
        "the deletion goes on by itself after them. The usage outbox in the admin says what keeps them."
    )


def stuck(now: datetime) -> tuple[int, datetime | None]:
    """How many messages have waited for more than a week, and the hour of the oldest."""
    old = Export.objects.filter(status=Status.WAITING, hour__lt=now - ALARM)
    return old.count(), old.order_by("hour").values_list("hour", flat=True).first()


def forget_settled(before: datetime) -> int:
    """Drop messages about hours of which the ledger keeps nothing any more."""
    return Export.objects.filter(hour__lt=before).exclude(status=Status.WAITING).delete()[0]


def set_aside(now: datetime, tenant: str | None = None) -> dict[str, int]:
    """Settle what is not to be sent at all."""
    given = {"now": now, "oldest": now - OLDEST, "tenant": tenant}
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(WITHOUT_CUSTOMER, given)
        unbilled = cursor.rowcount
        cursor.execute(TOO_LATE, given)
        return {Status.UNBILLED.value: unbilled, Status.APART.value: cursor.rowcount}


def _claim(lease: UUID, now: datetime, tenant: str | None) -> list[Message]:
    given: dict[str, Any] = {
        "lease": lease,
        "now": now,
        "until": now + LEASE,
        "tenant": tenant,
        "most": ROUND,
    }
    with connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(CLAIM, given)
        if not cursor.rowcount:
            return []
        cursor.execute(TAKE, given)
        messages = [Message(*row) for row in cursor.fetchall()]
        if not messages:
            cursor.execute(FREE, given)
    return messages


def _settle(lease: UUID, messages: Sequence[Message], outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down what became of a round and let its lanes go."""
    given: dict[str, Any] = {
        "lease": lease,
        "now": now,
        "ids": [message.id for message in messages],
        "statuses": [str(outcome.status) for outcome in outcomes],
        "errors": [outcome.error for outcome in outcomes],
        "tenants": [message.tenant for message in messages],
        "meters": [message.meter for message in messages],
        "failed": [outcome.is_failure for outcome in outcomes],
        "first": FIRST_REST,
        "longest": LONGEST_REST,
    }
    with transaction.atomic(using=CONTROL_ALIAS), connections[CONTROL_ALIAS].cursor() as cursor:
        for statement in (SETTLE, RELEASE, FREE):
            cursor.execute(statement, given)
