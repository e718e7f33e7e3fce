"""Budgets that processes lease: to the unit, whoever comes at the same moment, is stopped or killed."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from billing.entitlements import Limit, LimitReached, overview, reserve, used_of
from billing.limits import budgets, leases
from billing.limits.budgets import take_back_ended
from billing.limits.leases import purse
from billing.limits.overrides import grant_override
from billing.models import Budget, Lease, UsageRecord
from billing.outbox.services import correct_usage
from billing.plans.versions import Allowed
from billing.pricing.periods import month_of
from billing.usage import ledger
from billing.usage.ledger import record_usage
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.backend.base import DatabaseWrapper
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS
from tests.clock import Clock
from tests.kills import Place, killed
from tests.plans import allow
from tests.races import Aborted

OPERATOR = Actor.system("the tests")
MONTH = month_of(timezone.now()).begin


def spend(tenant: Tenant, at: datetime | None = None, then: Callable[[], Any] = lambda: None) -> bool:
    """Do something that uses one unit, as placing an order does; whether there was room for it."""
    at = at or timezone.now()
    try:
        with unit_of_work(tenant):
            reserved = reserve(Limit.ORDERS_PER_MONTH, at=at)
            record_usage(
                meter="orders_placed", quantity=1, idempotency_key=str(uuid7()), at=at, against=reserved
            )
            then()
    except LimitReached:
        return False
    return True


def spend_all(tenant: Tenant) -> int:
    """Go on until there is nothing left."""
    return next(times for times in range(10_000) if not spend(tenant))


def spent(tenant: Tenant) -> int:
    return UsageRecord.objects.filter(tenant=tenant.schema, meter="orders_placed").count()


def run_out() -> None:
    """Let the time of every lease be over, for the database and for this process."""
    connection = connections[CONTROL_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_lease SET expires_at = clock_timestamp() - interval '1 minute'")
    for pocket in purse._pockets.values():
        if pocket._lease is not None:
            pocket._lease.until = 0.0


def unspent() -> int:
    """What is granted beyond what the ledger has, of all budgets."""
    return sum(Budget.objects.values_list("granted", flat=True)) - UsageRecord.objects.count()


def in_processes(count: int, work: Callable[[], int]) -> int:
    """Do the work in processes of their own; the sum of what they say."""
    connections.close_all()
    pipes = [os.pipe() for _ in range(count)]
    children = [_forked(pipe[1], work) for pipe in pipes]
    for _, writing in pipes:
        os.close(writing)
    told = 0
    for (reading, _), child in zip(pipes, children, strict=True):
        with os.fdopen(reading) as answer:
            told += int(answer.read() or 0)
        assert os.waitpid(child, 0)[1] == 0
    return told


def _forked(writing: int, work: Callable[[], int]) -> int:
    if child := os.fork():
        return child
    try:
        os.write(writing, str(work()).encode())
        os._exit(0)
    finally:
        os._exit(1)


def in_threads(count: int, work: Callable[[], int]) -> int:
    """Do the work in threads that begin together; the sum of what they say."""
    together, told = threading.Barrier(count), []

    def begin() -> None:
        together.wait(60)
        try:
            told.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=begin) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == count
    return sum(told)


# Exactly so many


def test_32_clients_in_4_processes_get_exactly_what_there_is(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=100)
    got = in_processes(4, lambda: in_threads(8, lambda: spend_all(acme)))
    assert (got, spent(acme)) == (100, 100)
    run_out()
    take_back_ended()
    assert (unspent(), Lease.objects.count()) == (0, 0)
    assert Budget.objects.get().granted == 100


def test_without_leases_the_same_clients_get_more(acme: Tenant):
    """The red control: count, then insert."""
    together = threading.Barrier(8)

    def look_then_write() -> int:
        with unit_of_work(acme):
            together.wait(60)
            if (room := 3 - spent(acme)) > 0:
                together.wait(60)
                record_usage(
                    meter="orders_placed", quantity=1, idempotency_key=str(uuid7()), at=timezone.now()
                )
        return room > 0

    assert in_threads(8, look_then_write) == 8 == spent(acme)


def test_leases_grow_with_use_and_shrink_near_the_limit(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=10_000)
    sizes = []
    real = budgets.grant

    def noted(*args: Any) -> Any:
        given = real(*args)
        sizes.append(given.units if given else 0)
        return given

    monkeypatch.setattr(budgets, "grant", noted)
    with unit_of_work(acme):
        for _ in range(200):
            reserve(Limit.ORDERS_PER_MONTH)
    assert sizes == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    del sizes[:]
    allow(monkeypatch, orders_per_month=300)
    with unit_of_work(acme), pytest.raises(LimitReached):
        for _ in range(200):
            reserve(Limit.ORDERS_PER_MONTH)
    assert sizes[0] <= 3
    assert sizes[-2:] == [1, 0]


# Nothing is lost


def test_what_a_failed_transaction_took_comes_back(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=3)

    def fail() -> None:
        raise Aborted

    for _ in range(3):
        with pytest.raises(Aborted):
            spend(acme, then=fail)
    assert not spend(acme), "a moment ago it was promised to others"
    run_out()
    assert spend_all(acme) == 3
    assert unspent() == 0


def test_what_a_killed_process_held_comes_back_and_what_it_spent_does_not(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, orders_per_month=100)
    monkeypatch.setattr(leases, "_wanted", lambda before: 64)
    monkeypatch.setattr(budgets, "SHARE", 2)

    def busy() -> None:
        for _ in range(5):
            spend(acme)

    killed(busy, at=(ledger, "_record_leased"), time=4)
    assert (spent(acme), Budget.objects.get().granted) == (3, 50)
    run_out()
    assert spend_all(acme) == 97
    assert spent(acme) == 100


@pytest.mark.parametrize(
    ("place", "time", "after", "has_spent"),
    [
        ((budgets, "_take_back"), 1, True, 0),
        ((budgets, "_grant"), 2, True, 0),  # before the commit of what it did
        ((budgets, "grant"), 1, True, 0),
        ((ledger, "_record_leased"), 1, True, 0),
        ((DatabaseWrapper, "_commit"), 1, False, 0),
        ((DatabaseWrapper, "_commit"), 1, True, 1),
    ],
)
def test_who_is_killed_on_the_way_has_spent_or_has_not(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, place: Place, time: int, after: bool, has_spent: int
):
    allow(monkeypatch, orders_per_month=5)
    killed(lambda: spend(acme), at=place, time=time, after=after)
    assert spent(acme) == has_spent
    run_out()
    assert spend_all(acme) == 5 - has_spent
    assert (spent(acme), unspent()) == (5, 0)


def test_the_end_of_a_process_gives_back_what_nobody_has_begun_to_spend(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, orders_per_month=10)
    monkeypatch.setattr(budgets, "SHARE", 1)
    monkeypatch.setattr(leases, "_wanted", lambda before: 10)
    with unit_of_work(acme):
        reserved = reserve(Limit.ORDERS_PER_MONTH)
        purse.give_back()
        assert Budget.objects.get().granted == 1
        at = timezone.now()
        assert record_usage(
            meter="orders_placed", quantity=1, idempotency_key="late", at=at, against=reserved
        )
    assert spend_all(acme) == 9


def test_a_child_does_not_spend_the_leases_of_its_parent(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=3)
    monkeypatch.setattr(budgets, "SHARE", 1)
    monkeypatch.setattr(leases, "_wanted", lambda before: 3)
    assert spend(acme)
    assert in_processes(1, lambda: spend_all(acme)) == 0
    assert spend_all(acme) == 2


# Whoever was stopped


@contextmanager
def stopped_while_spending(tenant: Tenant) -> Iterator[Callable[[], None]]:
    """Somebody has written a use and does not come to commit it; what lets them go on."""
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        go_on.wait(60)

    def work() -> None:
        try:
            spend(tenant, then=wait)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert reached.wait(60)

    def finish() -> None:
        go_on.set()
        thread.join()

    try:
        yield finish
    finally:
        finish()


def test_a_lease_is_not_taken_back_while_somebody_may_still_commit_from_it(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, orders_per_month=1)
    with stopped_while_spending(acme) as finish:
        run_out()
        assert not spend(acme)
        assert Lease.objects.count() == 1
        finish()
    assert not spend(acme)
    assert (spent(acme), Lease.objects.count()) == (1, 0)


def test_without_its_lock_a_unit_is_spent_twice(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    """The red control."""
    allow(monkeypatch, orders_per_month=1)
    *ended, lock = budgets.ENDED.splitlines()
    assert "pg_try_advisory" in lock
    monkeypatch.setattr(budgets, "ENDED", "\n".join(ended))
    with stopped_while_spending(acme) as finish:
        run_out()
        assert spend(acme)
        finish()
    assert spent(acme) == 2


def test_who_comes_too_late_with_a_lease_takes_another_or_is_refused(
    acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, orders_per_month=1)
    at = timezone.now()
    for tenant, others in ((acme, 0), (globex, 1)):
        with unit_of_work(tenant):
            reserved = reserve(Limit.ORDERS_PER_MONTH, at=at)
        run_out()
        assert reserved.lease is not None
        reserved.lease.until = float("inf")  # the process has slept, and does not know
        reserved.lease.expires_at = Lease.objects.get(pk=reserved.lease.id).expires_at
        purse.forget()
        take_back_ended()
        assert sum(spend(tenant) for _ in range(others)) == others
        use: dict[str, Any] = {"meter": "orders_placed", "quantity": 1, "idempotency_key": "late", "at": at}
        with unit_of_work(tenant):
            if others:
                with pytest.raises(LimitReached):
                    record_usage(**use, against=reserved)
            else:
                assert record_usage(**use, against=reserved)
        assert spent(tenant) == 1


# Periods, plans and overrides


def test_a_month_ends_and_the_next_one_has_a_budget_of_its_own(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, clock: Clock
):
    allow(monkeypatch, orders_per_month=3)
    end = month_of(timezone.now()).end
    with unit_of_work(acme):
        reserved = reserve(Limit.ORDERS_PER_MONTH)
    assert spend_all(acme) == 2
    with pytest.raises(LimitReached) as refusal, tenant_context(acme):
        reserve(Limit.ORDERS_PER_MONTH)
    assert refusal.value.data["resets_at"] == end.isoformat()
    with unit_of_work(acme):
        assert record_usage(
            meter="orders_placed", quantity=1, idempotency_key="midnight", at=end, against=reserved
        )
    clock.forward(seconds=(end - timezone.now()).total_seconds() + 3600)
    assert spend_all(acme) == 2
    with unit_of_work(acme):
        assert used_of(acme, Limit.ORDERS_PER_MONTH) == 3
    run_out()
    take_back_ended()
    assert sorted(Budget.objects.values_list("granted", flat=True)) == [2, 3]
    budgets.forget_before(month_of(timezone.now()).begin + (end - MONTH))
    assert Budget.objects.count() <= 1


def test_a_larger_plan_gives_more_at_once_and_a_smaller_one_takes_nothing_away(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, "free", orders_per_month=4)
    allow(monkeypatch, "team", orders_per_month=9)
    steps = []
    for plan in ("free", "team", "free", "business", "team"):
        set_standing(client_id=acme.id, actor=OPERATOR, reason="test", plan=plan, plan_version=1)
        steps.append(sum(spend(acme) for _ in range(7)))
    assert steps == [4, 5, 0, 7, 0]
    assert spent(acme) == 16


def test_a_smaller_plan_counts_for_what_was_leased_before(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(budgets, "SHARE", 1)
    monkeypatch.setattr(leases, "_wanted", lambda before: 50)
    allow(monkeypatch, orders_per_month=100)
    assert spend(acme)
    allow(monkeypatch, orders_per_month=3)
    assert spend_all(acme) == 2


def test_overrides_and_corrections_change_a_budget(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=2)
    assert spend_all(acme) == 2
    grant_override(tenant=acme.schema, key="orders_per_month", actor=OPERATOR, reason="they asked", value=5)
    assert spend_all(acme) == 3
    with public_context():
        correct_usage(
            tenant=acme.schema, meter="orders_placed", quantity=-2, at=timezone.now(), reason="ours", key="1",
            actor=OPERATOR,
        )  # fmt: skip
    assert not spend(acme)
    Budget.objects.update(counted_at=MONTH.replace(year=2020))
    run_out()
    assert spend_all(acme) == 2


def test_a_soft_limit_is_told_and_refuses_nobody(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    from tenants.api.notices import noted

    allow(monkeypatch, orders_per_month=Allowed(soft=2))
    told = noted.set({})
    assert all(spend(acme) for _ in range(2))
    assert not noted.get()
    assert spend(acme)
    assert list(noted.get() or {}) == ['"orders_per_month";used=3;soft=2']
    noted.reset(told)


def test_another_tenants_budget_is_another(acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=2)
    assert [spend_all(acme), spend_all(globex)] == [2, 2]
    with unit_of_work(acme):
        orders = {state.limit: state for state in overview(acme).limits}["orders_per_month"]
    assert (orders.used, orders.allowed) == (2, 2)


def test_the_same_use_said_twice_is_one(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    allow(monkeypatch, orders_per_month=2)
    at = timezone.now()
    told = []
    for _ in range(2):
        with unit_of_work(acme):
            reserved = reserve(Limit.ORDERS_PER_MONTH)
            told.append(
                record_usage(
                    meter="orders_placed", quantity=1, idempotency_key="same", at=at, against=reserved
                )
            )
    assert told == [True, False]
    run_out()
    assert spend_all(acme) == 1
