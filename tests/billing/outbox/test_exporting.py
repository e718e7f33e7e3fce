"""The outbox: each message arrives once, in order, one at a time for a customer and a meter, whatever happens."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from billing.models import Export, Lane
from billing.outbox import exporting
from billing.outbox.exporting import Exporter, owes
from billing.stripe.sending import Breaker, MeterEvent, Pace
from shared_apps.lifecycle import services
from shared_apps.lifecycle.models import Operation
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tests.billing import builders
from tests.billing.builders import Counting, customer_of, folded, use

Run = Callable[..., dict[str, int]]


@pytest.fixture
def stripe() -> Counting:
    return Counting()


@pytest.fixture
def run(stripe: Counting) -> Run:
    """Export at some time after now, as a process that has just started."""

    def export(after: timedelta = timedelta(), **options: Any) -> dict[str, int]:
        exporter = Exporter(
            stripe, pace=Pace(100_000), now=lambda: builders.NOW + after, threads=4, **options
        )
        return {str(status): count for status, count in exporter.run().items() if count}

    return export


def statuses() -> list[tuple[str, int, str]]:
    return list(Export.objects.order_by("meter", "hour", "revision").values_list("meter", "value", "status"))


def values(stripe: Counting) -> list[int]:
    return [event.value for event in stripe.events]


def test_every_window_arrives_once_with_what_follows_from_it(
    acme: Tenant, globex: Tenant, run: Run, stripe: Counting
) -> None:
    customer = customer_of(acme)
    customer_of(globex)
    use(acme, "orders_placed", 3, hours_ago=2, minute=5)
    use(acme, "seats", 4)
    use(globex, "orders_placed", 9)
    folded()
    assert run() == {"sent": 3}
    assert run(timedelta(days=3)) == {}
    sent = {event.identifier: event for event in stripe.events}
    at = builders.HOUR - timedelta(hours=2)
    identifier = f"{acme.schema}:orders_placed:{at:%Y%m%dT%H}:1"
    assert sent[identifier] == MeterEvent(
        customer, "rowhouse_orders_placed", 3, at + timedelta(minutes=5), identifier
    )
    assert sorted(values(stripe)) == [3, 4, 9]


@pytest.mark.parametrize("fault", ["500", "cut", "429"])
def test_a_failure_is_tried_again_later_and_counts_once(
    fault: str, acme: Tenant, run: Run, stripe: Counting
) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 3)
    folded()
    stripe.faults = [fault]
    assert run() == {"waiting": 1}
    (export,) = Export.objects.all()
    assert (export.status, export.tries, export.first_tried_at) == ("waiting", 1, builders.NOW)
    assert fault in export.error
    assert run() == {}, "its lane rests"
    assert run(timedelta(seconds=20)) == {"sent": 1}
    assert values(stripe) == [3]


def test_without_an_identifier_an_answer_that_was_lost_counts_twice(
    acme: Tenant, run: Run, stripe: Counting
) -> None:
    """The red control."""
    customer_of(acme)
    use(acme, "orders_placed", 3)
    folded()
    stripe.faults, stripe.forgets_identifiers = ["cut"], True
    run()
    run(timedelta(seconds=20))
    assert values(stripe) == [3, 3]


class Slow(Counting):
    """Its first call takes until somebody else has tried."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = threading.Event(), threading.Event()

    def meet(self, event: MeterEvent) -> None:
        self.begun.set()
        self.ended.wait(20)


def two_at_once(stripe: Slow) -> None:
    """A second sender comes while the first one's call is on its way."""

    def work() -> None:
        try:
            Exporter(stripe, pace=Pace(1e6), now=lambda: builders.NOW, threads=2).run()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(work)
        assert stripe.begun.wait(20)
        Exporter(stripe, pace=Pace(1e6), now=lambda: builders.NOW, threads=2).run()
        stripe.ended.set()
        first.result()


@pytest.mark.parametrize("leased", [True, False], ids=["by lease", "without one: the red control"])
def test_a_customer_and_meter_is_told_one_thing_at_a_time(
    leased: bool, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 3)
    use(acme, "orders_placed", 2, hours_ago=2)
    folded()
    if not leased:
        monkeypatch.setattr(exporting, "LEASE", timedelta())
    stripe = Slow()
    two_at_once(stripe)
    assert (stripe.collisions == 0) is leased
    assert not leased or values(stripe) == [2, 3]


def test_a_lane_keeps_its_order_and_does_not_hold_up_the_others(
    acme: Tenant, globex: Tenant, run: Run, stripe: Counting
) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 1, hours_ago=2)
    use(acme, "orders_placed", 2)
    folded()
    stripe.faults = ["429"]
    run()
    customer_of(globex)
    use(globex, "orders_placed", 9)
    folded()
    assert run() == {"sent": 1}
    assert values(stripe) == [9]
    run(timedelta(seconds=20))
    assert values(stripe) == [9, 1, 2]


def test_what_stripe_refuses_is_kept_for_operators_and_the_next_one_goes_on(
    acme: Tenant, run: Run, stripe: Counting
) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 1, hours_ago=2)
    use(acme, "orders_placed", 2)
    folded()
    stripe.faults = ["400"]
    assert run() == {"refused": 1, "sent": 1}
    assert statuses() == [("orders_placed", 1, "refused"), ("orders_placed", 2, "sent")]


def test_who_is_no_customer_is_not_billed_and_who_becomes_one_is_from_then_on(
    acme: Tenant, run: Run, stripe: Counting
) -> None:
    use(acme, "orders_placed", 1, hours_ago=2)
    folded()
    assert run() == {"unbilled": 1}
    customer_of(acme)
    use(acme, "orders_placed", 2)
    folded()
    assert run() == {"sent": 1}
    assert values(stripe) == [2]


def test_what_is_too_old_for_stripe_goes_onto_the_invoice(acme: Tenant, run: Run, stripe: Counting) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 1, hours_ago=35 * 24)
    use(acme, "orders_placed", 2, hours_ago=34 * 24)
    folded()
    assert run() == {"apart": 1, "sent": 1}
    assert values(stripe) == [2]


@pytest.mark.parametrize(
    ("counted", "ends", "events"),
    [(0, "sent", [5, 3]), (3, "sent", [5, 3]), (1, "unclear", [5, 1])],
    ids=["it never arrived", "it did", "something else is there"],
)
def test_after_a_day_stripe_s_own_count_decides_whether_it_is_sent_again(
    counted: int, ends: str, events: list[int], acme: Tenant, run: Run, stripe: Counting
) -> None:
    customer = customer_of(acme)
    use(acme, "orders_placed", 5)
    folded()
    run()
    use(acme, "orders_placed", 3, minute=1)
    folded()
    stripe.faults = ["429"]
    run()
    if counted:
        stripe.events.append(
            MeterEvent(customer, "rowhouse_orders_placed", counted, builders.LAST_HOUR, "old")
        )
    stripe.identifiers.clear()
    assert run(timedelta(hours=30)) == {ends: 1}
    assert values(stripe) == events


def test_a_stripe_that_is_down_is_left_alone_for_a_while(
    acme: Tenant, globex: Tenant, stripe: Counting
) -> None:
    for tenant in (acme, globex):
        customer_of(tenant)
        for meter in ("orders_placed", "api_calls", "seats"):
            use(tenant, meter)
    folded()
    stripe.faults = ["429"] * 6
    seconds = [0.0]
    breaker = Breaker(2, 30, clock=lambda: seconds[0])
    exporter = Exporter(stripe, pace=Pace(100_000), breaker=breaker, now=lambda: builders.NOW, threads=1)
    assert exporter.run() == {"waiting": 6, "unbilled": 0, "apart": 0}
    assert len(stripe.faults) == 4, "two were tried"
    assert Lane.objects.filter(retry_at__isnull=False).count() == 2
    assert exporter.run()["sent"] == 0
    seconds[0], stripe.faults = 31, []
    assert exporter.run()["sent"] == 4


def test_a_breaker_lets_one_through_after_its_rest() -> None:
    seconds = [0.0]
    breaker = Breaker(2, 30, clock=lambda: seconds[0])
    for _ in range(2):
        assert breaker.lets_through()
        breaker.note(is_well=False)
    assert not breaker.lets_through()
    seconds[0] = 30
    assert [breaker.lets_through() for _ in range(2)] == [True, False]
    breaker.note(is_well=False)
    seconds[0] = 60
    assert breaker.lets_through()
    breaker.note(is_well=True)
    assert [breaker.lets_through() for _ in range(2)] == [True, True]


def test_a_pace_spreads_calls_over_time() -> None:
    seconds = [10.0]
    pace = Pace(4, clock=lambda: seconds[0])
    assert [pace.delay() for _ in range(3)] == [0, 0.25, 0.5]
    seconds[0] = 12
    assert pace.delay() == 0


def test_rests_grow_with_each_failure_and_end_with_a_success(
    acme: Tenant, run: Run, stripe: Counting
) -> None:
    customer_of(acme)
    use(acme, "orders_placed")
    folded()
    stripe.faults = ["429"] * 4
    rests, now = [], timedelta()
    for _ in range(4):
        run(now)
        lane = Lane.objects.get()
        assert lane.retry_at is not None
        rests.append((lane.retry_at - builders.NOW - now).total_seconds())
        now = lane.retry_at - builders.NOW
    assert [round(rest / 2**turn / 10) for turn, rest in enumerate(rests)] == [1, 1, 1, 1]
    run(now)
    lane = Lane.objects.get()
    assert (lane.tries, lane.retry_at, lane.lease) == (0, None, None)


def test_a_sender_that_was_killed_is_followed_when_its_lease_is_over(
    acme: Tenant, run: Run, stripe: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer_of(acme)
    use(acme, "orders_placed", 3)
    folded()

    class Killed(BaseException):
        pass

    def killed(*given: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(exporting, "_settle", killed)
        run()
    assert values(stripe) == [3]
    assert run() == {}, "somebody may be at it"
    assert run(exporting.LEASE) == {"sent": 1}
    assert values(stripe) == [3]


def test_a_tenant_is_not_deleted_before_stripe_knows_of_all_its_use(acme: Tenant, run: Run) -> None:
    assert owes(acme.schema) == ""
    customer_of(acme)
    use(acme, "orders_placed", 3, hours_ago=0)
    services.request_deletion(
        client_id=acme.id, typed_name="acme", actor=Actor.system("a test"), immediately=True, send=False
    )
    operation = Operation.objects.get()
    services.run_operation(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.error[:21]) == ("failed", "1 messages about what")
    assert run() == {"sent": 1}
    assert owes(acme.schema) == ""
