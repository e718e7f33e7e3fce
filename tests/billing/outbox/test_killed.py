"""The pipeline killed at every step, again and again: what was used, folded, sent and counted agrees to the unit."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from django.db import connections, transaction

from billing.meters import METERS
from billing.models import Customer, Export, Rollup, UsageRecord
from billing.outbox import exporting, reconciling
from billing.outbox.exporting import Exporter
from billing.pricing.periods import hour_of
from billing.stripe.sending import MeterEvent, Pace
from billing.usage import rollups
from billing.usage.ledger import record_calls
from tenants.api.metering import ApiCall
from tenants.context import Tenant
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS
from tests.billing import builders
from tests.billing.builders import Counting, customer_of, folded, use

KILLS = int(os.environ.get("USAGE_KILLS", "32"))
STATEMENTS: Final = {
    "hold the fold": rollups.HOLD,
    "look": rollups.SNAPSHOT,
    "find news": rollups.NEWS,
    "recompute": rollups.FOLD,
    "recompute levels": rollups.FOLD_LEVELS,
    "seal": rollups.ENDED,
    "keep the mark": rollups.KEEP,
    "set aside": exporting.WITHOUT_CUSTOMER,
    "too late": exporting.TOO_LATE,
    "claim": exporting.CLAIM,
    "take": exporting.TAKE,
    "settle": exporting.SETTLE,
    "release": exporting.RELEASE,
    "free": exporting.FREE,
    "expected": reconciling.EXPECTED,
}
POINTS: Final = [(when, name) for name in [*STATEMENTS, "send"] for when in ("before", "after")]


class Killed(BaseException):
    """The process is gone; what was not committed never happened."""


class Mortal(Counting):
    """A Stripe before and after whose answers one can die."""

    point: tuple[str, str] | None = None

    def send(self, event: MeterEvent) -> None:
        """Die, if it is time to."""
        self._die("before")
        super().send(event)
        self._die("after")

    def _die(self, when: str) -> None:
        if self.point == (when, "send"):
            self.point = None
            raise Killed


@contextmanager
def dying(stripe: Mortal, point: tuple[str, str]) -> Iterator[None]:
    """Kill whoever comes to a point."""
    stripe.point = point
    when, name = point

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        hit = name in STATEMENTS and sql.startswith(STATEMENTS[name])
        if hit and when == "before":
            raise Killed
        result = run(sql, *rest)
        if hit:
            raise Killed
        return result

    with connections[CONTROL_ALIAS].execute_wrapper(execute):
        try:
            yield
        finally:
            stripe.point = None


class Life:
    """A platform in which time goes on from kill to kill."""

    def __init__(self, tenants: list[Tenant], stripe: Mortal) -> None:
        self.tenants, self.stripe, self.chance = tenants, stripe, Random(7)
        self.now: datetime = builders.NOW
        self.batch: list[ApiCall] = []
        self.deaths: Counter[str] = Counter()

    def go_on(self) -> None:
        """New use, use said again, and some that comes late."""
        tenant, ago = self.chance.choice(self.tenants), self.chance.randint(1, 4)
        use(tenant, self.chance.choice(["orders_placed", "seats"]), self.chance.randint(1, 9), hours_ago=ago)
        if self.batch:
            record_calls(self.batch)
        times = [builders.HOUR - timedelta(minutes=self.chance.randint(1, 200)) for _ in range(5)]
        self.batch = [ApiCall(uuid7(), tenant.schema, at) for at in times]
        record_calls(self.batch)
        self.now += timedelta(minutes=70)

    def work(self) -> None:
        """What the scheduled tasks do."""
        rollups.fold(self.now)
        Exporter(self.stripe, pace=Pace(1e6), now=lambda: self.now, threads=1).run()
        reconciling.reconcile(
            self.stripe, begin=builders.HOUR - timedelta(hours=5), end=builders.HOUR, now=self.now
        )

    def die(self, point: tuple[str, str]) -> None:
        """Work until the point is reached."""
        with dying(self.stripe, point):
            try:
                self.work()
            except Killed:
                self.deaths[" ".join(point)] += 1
        assert not transaction.get_connection(CONTROL_ALIAS).in_atomic_block


def figures(stripe: Counting) -> dict[str, dict[Any, int]]:
    """The same hours as the ledger, the rollups, the outbox and Stripe have them."""
    events = {meter.event_name: meter.key for meter in METERS.values()}
    tenants = {customer.stripe_id: customer.tenant for customer in Customer.objects.all()}
    found: dict[str, dict[Any, int]] = {"ledger": {}, "rollups": {}, "outbox": {}, "stripe": {}}

    def put(where: str, meter: str, key: Any, value: int) -> None:
        last = METERS[meter].formula == "last"
        found[where][key] = value if last else found[where].get(key, 0) + value

    for row in UsageRecord.objects.order_by("occurred_at", "recorded_at"):
        put("ledger", row.meter, (row.tenant, row.meter, hour_of(row.occurred_at)), row.quantity)
    for rollup in Rollup.objects.all():
        put("rollups", rollup.meter, (rollup.tenant, rollup.meter, rollup.hour), rollup.quantity)
    for export in Export.objects.filter(status="sent").order_by("at", "revision"):
        put("outbox", export.meter, (export.tenant, export.meter, export.hour), export.value)
    for event in sorted(stripe.events, key=lambda event: event.at):
        meter = events[event.event_name]
        put("stripe", meter, (tenants[event.customer], meter, hour_of(event.at)), event.value)
    return found


def test_ledger_rollups_outbox_and_stripe_agree_after_every_kill(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        customer_of(tenant)
    stripe = Mortal()
    life = Life([acme, globex], stripe)
    for turn in range(KILLS):
        life.go_on()
        stripe.faults = life.chance.choices(["", "cut", "500", "429"], [5, 1, 1, 1], k=3)
        life.die(POINTS[turn % len(POINTS)])
    stripe.faults = []
    for _ in range(4):
        life.now += timedelta(hours=2)
        folded(hour_of(builders.NOW))
        life.work()
    assert not Export.objects.exclude(status="sent").exists()
    assert len(life.deaths) >= min(KILLS, len(POINTS)) * 0.8, "most points were reached"
    found = figures(stripe)
    assert found["ledger"] == found["rollups"] == found["outbox"] == found["stripe"]
    assert len(found["ledger"]) >= 8
