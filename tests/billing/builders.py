"""Use that is written, folded and sent in tests, and a small Stripe that remembers what it was told."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from billing.meters import METERS
from billing.models import Customer
from billing.pricing.periods import hour_of
from billing.stripe.sending import MeterEvent, Refused, Unavailable
from billing.usage.ledger import record_usage
from billing.usage.rollups import fold
from tenants.context import Tenant, unit_of_work
from tenants.models import uuid7

NOW: datetime
HOUR: datetime
LAST_HOUR: datetime


def look_at_the_clock() -> None:
    """Take the hour in which a test begins: the one in which tests were collected may be over by then."""
    global NOW, HOUR, LAST_HOUR  # noqa: PLW0603  (a test has one present, which its whole module speaks of)
    NOW = datetime.now(UTC)
    HOUR = hour_of(NOW)
    LAST_HOUR = HOUR - timedelta(hours=1)


def use(
    tenant: Tenant, meter: str, quantity: int = 1, *, hours_ago: int = 1, minute: int = 0, key: str = ""
) -> None:
    """Write one use of some hours ago."""
    at = HOUR - timedelta(hours=hours_ago) + timedelta(minutes=minute)
    with unit_of_work(tenant):
        record_usage(meter=meter, quantity=quantity, idempotency_key=key or str(uuid7()), at=at)


def folded(until: datetime | None = None) -> None:
    """Fold until the hours before are sealed: other tests of this server may be writing at this moment."""
    until = until or HOUR
    for _ in range(5000):
        if (sealed := fold(max(until, NOW))) is not None and sealed >= until:
            return
    raise AssertionError("somebody has been writing all the while")


def customer_of(tenant: Tenant) -> str:
    """Have a tenant pay by Stripe; its customer there."""
    customer = f"cus_{tenant.schema}"
    Customer.objects.get_or_create(tenant=tenant.schema, defaults={"stripe_id": customer})
    return customer


class Counting:
    """Stripe's side of meter events: identifiers, one call at a time for a customer and meter, and summaries.

    `fault` says what goes wrong with the next calls: "cut" and "500" come after the event was counted, "429" before.
    """

    def __init__(self) -> None:
        self.events: list[MeterEvent] = []
        self.identifiers: set[str] = set()
        self.faults: list[str] = []
        self.collisions = 0
        self.forgets_identifiers = False
        self._busy: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def send(self, event: MeterEvent) -> None:
        """Take an event in, as often as its identifier is new."""
        with self._alone((event.customer, event.event_name)):
            fault = self._next_fault()
            if fault in ("429", "400"):
                raise Unavailable("429") if fault == "429" else Refused("400")
            self.meet(event)
            with self._lock:
                if event.identifier not in self.identifiers or self.forgets_identifiers:
                    self.identifiers.add(event.identifier)
                    self.events.append(event)
        if fault:
            raise Unavailable(fault)

    def meet(self, event: MeterEvent) -> None:
        """What happens while a call is on its way."""

    def summaries(
        self, *, event_name: str, customer: str, begin: datetime, end: datetime
    ) -> Mapping[datetime, int]:
        """What was counted, by hours."""
        last = next(meter.formula == "last" for meter in METERS.values() if meter.event_name == event_name)
        found: dict[datetime, int] = {}
        for event in sorted(self.events, key=lambda event: event.at):
            if (event.customer, event.event_name) == (customer, event_name) and begin <= event.at < end:
                hour = hour_of(event.at)
                found[hour] = event.value if last else found.get(hour, 0) + event.value
        return found

    @contextmanager
    def _alone(self, lane: tuple[str, str]) -> Iterator[None]:
        with self._lock:
            if lane in self._busy:
                self.collisions += 1
                raise Unavailable("429: another call for this customer and meter is on its way")
            self._busy.add(lane)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(lane)

    def _next_fault(self) -> str:
        with self._lock:
            return self.faults.pop(0) if self.faults else ""
