"""The pool of ready schemas: kept full, never too full, and each member goes to one tenant."""

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.db import connections, transaction

from shared_apps.clients.services import SubdomainTaken, as_tenant, sign_up
from shared_apps.fleet.baseline import catalog
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.pool import LONGEST_PAUSE, fill_pool, pool_level
from shared_apps.fleet.provisioning import (
    CLAIM,
    FILL_POOL,
    claim_schema,
    drop_schema,
    refresh_baseline,
    reserve_schemas,
)
from shared_apps.fleet.tasks import fill_pool as fill_pool_task
from tenants.context import Tenant, unit_of_work
from tenants.models import Sentinel
from tenants.users.models import User
from tests.isolation.walls import run_task
from tests.stage import administrator

Order = dict[str, str]
Orphans = Callable[[], set[str]]


@pytest.fixture(autouse=True)
def small(settings: LazySettings, light: None) -> LazySettings:
    """A pool that is quickly filled, and that the cast has not been at."""
    sql("UPDATE fleet_pool SET missed = 0, missed_at = NULL")
    sql("UPDATE fleet_schema SET ready_at = ready_at - interval '1 hour'")
    settings.POOL_SIZE, settings.POOL_RATE = 3, 1000
    return settings


def sql(statement: str, *values: Any) -> list[Any]:
    with administrator() as admin:
        cursor = admin.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def names(state: str) -> list[str]:
    return [
        name for (name,) in sql("SELECT name FROM fleet_schema WHERE state = %s ORDER BY ready_at", state)
    ]


def objects(schema: str) -> list[str]:
    with administrator() as admin, admin.transaction(), admin.cursor() as cursor:
        return catalog(cursor, schema)


@pytest.fixture
def full() -> list[str]:
    """The members of a full pool, oldest first."""
    fill_pool()
    return names("ready")


# Filling


def test_the_task_fills_the_pool_to_its_size_with_whole_schemas() -> None:
    refresh_baseline()
    run_task(fill_pool_task)
    ready = names("ready")
    assert len(ready) == 3
    for name in ready:
        ((tenant_id,),) = sql(f'SELECT tenant_id FROM "{name}".tenants_sentinel')
        assert sql("SELECT tenant_id FROM fleet_schema WHERE name = %s", name) == [(tenant_id,)]
        assert objects(name) == objects(TEMPLATE_SCHEMA)
    assert pool_level().filled_at is not None


def test_a_full_pool_costs_one_query(full: list[str]) -> None:
    sent: list[str] = []

    def listen(execute: Any, statement: str, *call: Any) -> Any:
        sent.append(statement)
        return execute(statement, *call)

    with connections["control"].execute_wrapper(listen), connections["migrator"].execute_wrapper(listen):
        assert fill_pool() == 0
    assert len(sent) == 1


def test_operators_see_how_full_it_is(full: list[str], order: Order) -> None:
    sql("UPDATE fleet_schema SET ready_at = now() - interval '2 days' WHERE name = %s", full[0])
    sql("UPDATE fleet_schema SET applied = 'older' WHERE name = %s", full[1])
    level = pool_level()
    assert (level.ready, level.wanted, level.missing, level.behind, level.missed) == (3, 3, 0, 1, 0)
    assert level.reserved > 10
    assert level.oldest_ready_at is not None
    assert level.filled_at is not None
    assert level.filled_at - level.oldest_ready_at > timedelta(days=1)


def test_two_that_fill_at_once_do_not_overfill() -> None:
    start = threading.Barrier(4)

    def fill(_: int) -> None:
        start.wait(60)
        try:
            fill_pool()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fill, range(4)))
    assert 1 <= len(names("ready")) <= 3
    fill_pool()
    assert len(names("ready")) == 3


def test_no_more_are_made_in_a_minute_than_the_rate_allows(small: LazySettings) -> None:
    small.POOL_RATE = 2
    assert fill_pool() == 2
    assert fill_pool() == 0
    sql("UPDATE fleet_schema SET ready_at = ready_at - interval '61 seconds'")
    assert fill_pool() == 1
    assert len(names("ready")) == 3


def test_a_call_ends_when_its_time_is_over() -> None:
    assert fill_pool(seconds=0) == 0
    assert names("ready") == []


@pytest.mark.parametrize(("size", "left"), [(2, 2), (1, 1), (0, 0)])
def test_a_pool_that_shall_be_smaller_loses_its_oldest_members(
    full: list[str], small: LazySettings, size: int, left: int, orphans: Orphans
) -> None:
    small.POOL_SIZE = size
    fill_pool()
    assert names("ready") == full[3 - left :]
    roles = {name for (name,) in sql("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", full)}
    assert roles == set(full[3 - left :])
    assert orphans() == set()


def test_roles_are_made_many_at_once_and_used_up_before_there_are_more(small: LazySettings) -> None:
    fill_pool()
    assert len(names("reserved")) == 17
    small.POOL_SIZE = 20
    fill_pool(seconds=60)
    assert (len(names("ready")), len(names("reserved"))) == (20, 0)


# Failures


@pytest.fixture
def spoilt() -> Callable[[], object]:
    """A baseline that cannot be built from; what is returned mends it."""
    ((statements,),) = sql("SELECT statements FROM fleet_baseline")
    sql("UPDATE fleet_baseline SET statements = statements || '; SELECT 1 / 0'")
    return lambda: sql("UPDATE fleet_baseline SET statements = %s", statements)


def test_a_failure_is_told_and_the_pool_pauses(spoilt: Callable[[], object]) -> None:
    fill_pool()
    level = pool_level()
    assert (level.ready, level.bad, level.failures) == (0, 1, 1)
    assert "division by zero" in level.failure
    ((name, failure),) = sql("SELECT name, failure FROM fleet_schema WHERE failure <> ''")
    assert name in level.failure
    assert "division by zero" in failure
    assert not level.needs_work
    assert fill_pool() == 0


def test_after_the_pause_it_goes_on_and_gives_up_what_could_not_be_made(
    spoilt: Callable[[], object], orphans: Orphans
) -> None:
    fill_pool()
    ((bad,),) = sql("SELECT name FROM fleet_schema WHERE failure <> ''")
    spoilt()
    sql("UPDATE fleet_pool SET failed_at = failed_at - interval '11 seconds'")
    fill_pool()
    level = pool_level()
    assert (level.ready, level.bad, level.failures, level.failure) == (3, 0, 0, "")
    assert sql("SELECT 1 FROM pg_roles WHERE rolname = %s", bad) == []
    assert orphans() == set()


def test_the_pauses_grow_to_a_bound() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def pause(failures: int) -> float:
        until = replace(pool_level(), failures=failures, failed_at=moment).pauses_until
        assert until is not None
        return (until - moment).total_seconds()

    assert [pause(failures) for failures in (1, 2, 3)] == [10, 20, 40]
    assert pause(1000) == LONGEST_PAUSE.total_seconds()


def test_without_a_baseline_the_failure_says_what_to_do() -> None:
    sql("DELETE FROM fleet_baseline")
    fill_pool()
    assert "manage.py migrate" in pool_level().failure


def test_a_sign_up_is_not_given_what_could_not_be_made(order: Order) -> None:
    reserve_schemas(1)
    sql("UPDATE fleet_schema SET failure = 'it is bad', failed_at = now() WHERE state = 'reserved'")
    ((bad,),) = sql("SELECT name FROM fleet_schema WHERE failure <> ''")
    assert sign_up(**order).schema_name != bad


# Claiming


def test_a_sign_up_takes_the_oldest_member_whose_sentinel_names_it_already(
    full: list[str], order: Order
) -> None:
    client = sign_up(**order)
    assert client.schema_name == full[0]
    with unit_of_work(as_tenant(client)):
        assert Sentinel.objects.get().tenant_id == client.id
        assert User.objects.get().email == order["email"]
    row = sql("SELECT state, owned_at IS NOT NULL, tenant_id FROM fleet_schema WHERE name = %s", full[0])
    assert row == [("owned", True, client.id)]
    assert pool_level().missed == 0


def test_members_that_lag_are_taken_last(full: list[str], order: Order) -> None:
    sql("UPDATE fleet_schema SET applied = 'older' WHERE name = ANY(%s)", full[:2])
    assert sign_up(**order).schema_name == full[2]


def test_an_empty_pool_does_not_stop_a_sign_up_and_is_counted(order: Order) -> None:
    refresh_baseline()
    client = sign_up(**order)
    assert objects(client.schema_name) == objects(TEMPLATE_SCHEMA)
    level = pool_level()
    assert (level.missed, level.missed_at is not None) == (1, True)


def test_without_a_pool_nothing_is_missed_and_nothing_asked_for(order: Order, small: LazySettings) -> None:
    small.POOL_SIZE = 0
    sign_up(**order)
    assert pool_level().missed == 0
    assert asked_for() == 0


def asked_for() -> int:
    """How many messages in the queue ask for the pool to be filled."""
    queue = redis.Redis.from_url(os.environ["REDIS_URL"])
    return sum(json.loads(each)["headers"]["task"] == FILL_POOL for each in queue.lrange("celery", 0, -1))


def test_who_leaves_the_pool_low_asks_for_more(full: list[str], order: Order) -> None:
    sign_up(**order)
    assert asked_for() == 0  # two of three are left
    sign_up(**{**order, "subdomain": "hooli"})
    assert asked_for() == 1
    assert fill_pool_task.name == FILL_POOL


def test_a_claim_that_is_rolled_back_gives_the_member_back(full: list[str], order: Order) -> None:
    with pytest.raises(RuntimeError), transaction.atomic(using="migrator"):
        claim_schema()
        raise RuntimeError
    assert names("ready") == full
    assert asked_for() == 0
    with pytest.raises(SubdomainTaken):
        sign_up(**{**order, "subdomain": "acme"})
    assert names("ready") == full


def test_twenty_at_once_get_twenty_schemas_from_a_pool_of_ten(
    order: Order, small: LazySettings, orphans: Orphans
) -> None:
    small.POOL_SIZE = 10
    fill_pool(seconds=60)
    ready, start = set(names("ready")), threading.Barrier(20)

    def join(number: int) -> str:
        start.wait(60)
        try:
            return str(sign_up(**{**order, "subdomain": f"number-{number}"}).schema_name)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        taken = list(threads.map(join, range(20)))
    assert len(set(taken)) == 20
    assert ready < set(taken)
    assert set(taken) < set(names("owned"))
    assert orphans() == set()


@pytest.mark.parametrize(
    ("claim", "different"),
    [(CLAIM, 2), (CLAIM.replace("FOR UPDATE SKIP LOCKED", ""), 1)],
    ids=["ours", "red"],
)
def test_without_its_lock_one_member_would_go_to_two(full: list[str], claim: str, different: int) -> None:
    def second() -> Any:
        with administrator() as admin:
            return admin.execute(claim).fetchone()

    with ThreadPoolExecutor(1) as thread, administrator() as admin:
        with admin.transaction():
            first = admin.execute(claim).fetchone()
            later = thread.submit(second)
            # Ours is answered at once; without the lock it waits for the row and takes it a second time.
            threading.Event().wait(0.3) if different == 1 else later.result(60)
        assert first is not None
        assert len({first[0], later.result(60)[0]}) == different


# Dropping


def test_the_migrator_can_drop_a_schema_with_all_that_its_role_was_given(
    order: Order, acme: Tenant, orphans: Orphans
) -> None:
    client = sign_up(**order)
    with unit_of_work(as_tenant(client)):
        assert User.objects.count() == 1
    sql("DELETE FROM clients_domain WHERE tenant_id = %s", client.id)
    sql("DELETE FROM clients_client WHERE id = %s", client.id)
    with transaction.atomic(using="migrator"):
        drop_schema(client.schema_name)
    name = client.schema_name
    assert sql("SELECT 1 FROM pg_roles WHERE rolname = %s", name) == []
    assert sql("SELECT 1 FROM pg_namespace WHERE nspname = %s", name) == []
    assert not Schema.objects.filter(name=name).exists()
    assert orphans() == set()
    with unit_of_work(acme):
        assert User.objects.exists()


def test_a_schema_is_dropped_while_others_are_made_and_dropped(full: list[str], order: Order) -> None:
    with administrator() as admin, admin.transaction(force_rollback=True):
        admin.execute("DELETE FROM fleet_schema WHERE name = %s", full[:1])
        admin.execute(f'DROP SCHEMA "{full[0]}" CASCADE; DROP ROLE "{full[0]}"')
        with transaction.atomic(using="migrator"):
            drop_schema(full[1])
        assert sign_up(**order).schema_name == full[2]
        reserve_schemas(1)
    assert names("ready") == full[:1]
