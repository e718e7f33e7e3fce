"""Months in which everybody dies again and again, and Stripe fails: invoices are right to the cent.

A death comes at any statement on the platform's own login and at any call to Stripe, before it or after it has had its
effect. 24 in a usual run; `BILLING_KILLS=200 bin/test tests/billing/handlers/test_killed_months.py`. BILLING_SEED (11)
lets chance begin elsewhere.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

import pytest
from django.db.backends.utils import CursorWrapper
from django.db.models import Q

from billing.accounts.projecting import refresh_customer
from billing.meters import METERS
from billing.models import Customer, Export, Rollup, StripeInvoice, Subscription, UsageRecord
from billing.outbox import flushing, reconciling
from billing.outbox.exporting import Exporter
from billing.plans.catalogue import newest
from billing.pricing.periods import hour_of
from billing.pricing.rating import rate
from billing.stripe.client import Stripe
from billing.stripe.meters import gateway
from billing.stripe.sending import Breaker, Gateway, Pace, Unavailable
from billing.usage import rollups
from shared_apps.inbox.models import ReceivedEvent
from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS
from tests.billing.handlers.telling import Telling

KILLS = int(os.environ.get("BILLING_KILLS", "24"))
SEED = int(os.environ.get("BILLING_SEED", "11"))
METERED: Final = ("orders_placed", "webhooks_delivered", "seats")
FAULTS: Final = ("error_before", "error_after", "cut_before", "cut_after", "rate_limit")
SPANS: Final = (5, 20, 70, 160)  # hours


class Killed(BaseException):
    """The process is gone; what was not committed never happened."""


class Fate:
    """Ends whoever comes to the n-th statement or call from now on."""

    def __init__(self) -> None:
        self.deaths: Counter[str] = Counter()
        self._left: int | None = None
        self._after = False
        self._lock = threading.Lock()

    def within(self, steps: int, *, after: bool) -> None:
        """Let somebody die after so many steps."""
        self._left, self._after = steps, after

    def spare(self) -> None:
        """Let everybody live."""
        self._left = None

    def unseen(self, look: Callable[[], Any]) -> Any:
        """What the test itself looks at: nobody dies of it."""
        left, self._left = self._left, None
        found = look()
        self._left = left
        return found

    def step(self, what: str, run: Callable[[], Any]) -> Any:
        """One statement or call, which may be the last."""
        is_last = self._is_last()
        if is_last and not self._after:
            self._die(what, "before")
        result = run()
        if is_last:
            self._die(what, "after")
        return result

    def _is_last(self) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= 1
            if self._left > 0:
                return False
            self._left = None
            return True

    def _die(self, what: str, when: str) -> None:
        self.deaths[f"{when} {what}"] += 1
        raise Killed


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fate]:
    found = Fate()
    execute, send, read = CursorWrapper.execute, Stripe.send, Stripe.read

    def executed(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
        if self.db.alias != CONTROL_ALIAS:
            return execute(self, sql, params)
        return found.step("a statement", lambda: execute(self, sql, params))

    def called(real: Callable[..., Any], what: str) -> Callable[..., Any]:
        return lambda *given, **more: found.step(what, lambda: real(*given, **more))

    monkeypatch.setattr(CursorWrapper, "execute", executed)
    monkeypatch.setattr(Stripe, "send", called(send, "a change at Stripe"))
    monkeypatch.setattr(Stripe, "read", called(read, "a look at Stripe"))
    yield found
    found.spare()


class Life:
    """Time that goes on from death to death."""

    def __init__(self, telling: Telling, tenants: list[Tenant], fate: Fate) -> None:
        self.telling, self.tenants, self.fate, self.chance = telling, tenants, fate, Random(SEED)
        way = gateway()
        assert way is not None
        self.gateway: Gateway = way
        # In the time of the test, as its rests are.
        breaker = Breaker(clock=lambda: telling.time.now().timestamp())
        self.exporter = Exporter(way, pace=Pace(1e6), breaker=breaker, now=telling.time.now, threads=2)
        telling._follow = self._follow  # type: ignore[method-assign]

    def go_on(self) -> None:
        """Some use, some time, and what scheduled tasks do, of which one dies."""
        for tenant in self.tenants:
            for _ in range(3):
                meter, ago = self.chance.choice(METERED), self.chance.choice([0, 0, 1, 30])
                self.telling.use(tenant, meter, self.chance.randint(1, 900), hours_ago=ago)
        faults = self.telling.server.simulator.faults
        faults.clear()
        faults.add(kind=self.chance.choice(FAULTS), path="/v1/.*", probability=0.3, times=4)
        self.fate.within(self.chance.randint(1, 80), after=self.chance.random() < 0.5)
        self.telling.live(hours=self.chance.choice(SPANS))
        self._until_it_lives(self._work)
        self.fate.spare()

    def settle(self) -> None:
        """Let everything come to its end: nobody dies any more, and Stripe tells everything once more."""
        self.fate.spare()
        self.telling.server.simulator.faults.clear()
        for hours in (3, 3, 24 * 32, 3, 3):  # what came too late is an item of the invoice after
            self.telling.live(hours=hours)
            self._work()
        self.telling._told.clear()
        self.telling.tell(chance=self.chance)

    def _follow(self) -> None:
        """Events come double, and in any order; whoever dies over them is followed by the next, as is who fails."""
        self.telling._keep_time()
        self._until_it_lives(lambda: self.telling.tell(copies=2, chance=self.chance))
        for _ in range(8):
            if not self.fate.unseen(ReceivedEvent.objects.waiting().exists):
                return
            # A lane that a dead one held is free again after two minutes.
            self.telling.time.forward(minutes=3)
            self._until_it_lives(self.telling.process)

    def _until_it_lives(self, work: Callable[[], object]) -> None:
        for _ in range(3):
            try:
                work()
            except Killed:
                continue
            return

    def _work(self) -> None:
        now = self.telling.time.now()
        rollups.fold(now)
        self.exporter.run()
        begin = hour_of(now) - timedelta(days=2)
        try:
            reconciling.reconcile(self.gateway, begin=begin, end=hour_of(now) - timedelta(hours=2), now=now)
        except Unavailable:
            return  # tomorrow


def subscribed(telling: Telling, tenants: list[Tenant]) -> None:
    """Tenants that pay, in one time."""
    first, *others = tenants
    telling.subscribe(telling.customer(first))
    for tenant in others:
        made = telling.call(
            "customers.create", name=tenant.name, email="a@b.example", test_clock=telling.clock
        )
        customer = Customer.objects.create(tenant=tenant.schema, stripe_id=made.id)
        telling.give_card(customer, "pm_card_visa")
        telling.subscribe(refresh_customer(made.id))
    telling.tell()


def used(tenant: str, begin: datetime, end: datetime) -> dict[str, int]:
    """What the ledger says of a period."""
    figures: dict[str, int] = {}
    rows = UsageRecord.objects.filter(tenant=tenant, occurred_at__gte=begin, occurred_at__lt=end)
    for row in rows.order_by("occurred_at", "recorded_at"):
        is_sum = METERS[row.meter].formula == "sum"
        figures[row.meter] = row.quantity + (figures.get(row.meter, 0) if is_sum else 0)
    return figures


def cost(invoice: StripeInvoice) -> Decimal:
    """What an invoice's period comes to by the ledger."""
    figures = used(invoice.tenant, invoice.period_start, invoice.period_end)
    return rate(newest("team").terms, figures).total


def test_every_invoice_says_what_the_ledger_does_whoever_died(
    telling: Telling, acme: Tenant, globex: Tenant, fate: Fate, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed(telling, [acme, globex])
    life = Life(telling, [acme, globex], fate)
    monkeypatch.setattr(flushing, "exporter_of_process", lambda: life.exporter)
    while sum(fate.deaths.values()) < KILLS:
        life.go_on()
    life.settle()
    # Late use that is still within what the plan includes is an item of nothing.
    told = Q(status="sent") | Q(status="apart", item__status__in=["invoiced", "nothing"])
    assert not Export.objects.exclude(told).exists()
    for tenant in (acme.schema, globex.schema):
        renewals = StripeInvoice.objects.filter(tenant=tenant, reason="subscription_cycle")
        assert {invoice.status for invoice in renewals} == {"paid"}
        assert sum(invoice.total for invoice in renewals) == sum(map(cost, renewals))
    assert Subscription.objects.open().count() == 2
    assert all(rollup.sealed_quantity == rollup.quantity for rollup in Rollup.objects.all())
