"""Sign-ups that collide, fail or are killed: one winner at the most, and no half of a tenant, ever."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from django.conf import settings
from django.db import DataError, connections
from django.test import Client

from shared_apps.clients.services import SubdomainTaken, sign_up
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import build_schema, claim_schema, reserve_schemas
from tests.stage import administrator
from tests.waiting import LIMIT, wait_until

Order = dict[str, str]
Traces = Callable[[], dict[str, set[str]]]
COMPETITORS = 50


class Interrupted(Exception):
    """What a test makes a step fail with."""


def added(traces: Traces, before: dict[str, set[str]]) -> dict[str, int]:
    return {name: len(found - before[name]) for name, found in traces().items()}


NOTHING = {"clients": 0, "domains": 0, "schemas": 0, "roles": 0}
ONE = dict.fromkeys(NOTHING, 1)


# Collisions


@pytest.mark.usefixtures("light")
def test_of_fifty_at_once_one_gets_the_name_and_the_others_409(order: Order, traces: Traces) -> None:
    before, start = traces(), threading.Barrier(COMPETITORS)

    def compete(number: int) -> int:
        client = Client(headers={"host": "localhost"})
        body = {
            **order,
            "company": f"Initech {number}",
            "subdomain": ("initech", "lnitech", "INI-TECH")[number % 3],
        }
        start.wait(60)
        try:
            return client.post("/api/v1/signup/", body, content_type="application/json").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(COMPETITORS) as pool:
        answers = sorted(pool.map(compete, range(COMPETITORS)))
    assert answers == [201] + [409] * (COMPETITORS - 1)
    assert added(traces, before) == ONE


UNIQUE = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint
    WHERE contype = 'u' AND conrelid IN ('clients_client'::regclass, 'clients_domain'::regclass)
      AND conname ~ 'subdomain|lookalike|clients_domain_domain_key'
"""


@contextmanager
def names_not_unique(pristine: Any) -> Iterator[None]:
    with administrator() as admin:
        found = admin.execute(UNIQUE).fetchall()
        assert len(found) == 3
        admin.execute(";".join(drop for drop, _ in found))
    try:
        yield
    finally:
        pristine.restore()
        with administrator() as admin:
            admin.execute(";".join(add for _, add in found))


@pytest.mark.usefixtures("light")
def test_without_the_unique_index_a_name_that_was_looked_up_first_is_given_to_all(
    order: Order, traces: Traces, monkeypatch: pytest.MonkeyPatch, pristine: Any
) -> None:
    """The red control: everybody looks, finds the name free, and takes it."""
    before, looked = traces(), threading.Barrier(3)

    def claim() -> Schema:
        looked.wait(60)
        return claim_schema()

    def compete(_: int) -> None:
        try:
            sign_up(**order)
        finally:
            connections.close_all()

    monkeypatch.setattr("shared_apps.clients.services.claim_schema", claim)
    with names_not_unique(pristine):
        reserve_schemas(3)
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(compete, range(3)))
        assert added(traces, before)["clients"] == 3


@pytest.mark.usefixtures("light")
def test_the_second_of_two_waits_for_the_first_and_is_told(order: Order, traces: Traces) -> None:
    before, answers = traces(), []

    def second() -> None:
        try:
            sign_up(**order)
        except SubdomainTaken as refusal:
            answers.append(refusal.status)
        finally:
            connections.close_all()

    rival = threading.Thread(target=second)
    with standing_at(MOMENTS["after everything, before the commit"]):
        first = start_sign_up(order)
        wait_for_lock(first)
        rival.start()
        time.sleep(0.3)
        assert answers == []
    rival.join(LIMIT)
    first.join(LIMIT)
    assert first.exitcode == 0
    assert answers == [409]
    assert added(traces, before) == ONE


@pytest.mark.usefixtures("light")
def test_a_sign_up_does_not_wait_while_another_s_schema_is_made(
    order: Order, traces: Traces, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = traces()

    def slow(schema: Schema, **options: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other).result()
        build_schema(schema, **options)

    def other() -> None:
        try:
            sign_up(**{**order, "subdomain": "hooli"})
        finally:
            connections.close_all()

    monkeypatch.setattr("shared_apps.fleet.provisioning.build_schema", slow)
    sign_up(**order)
    assert added(traces, before) == dict.fromkeys(ONE, 2)


# Failures


def statements_of(order: Order) -> list[str]:
    """What one sign-up sends over the migrator, statement by statement."""
    sent: list[str] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with connections["migrator"].execute_wrapper(listen):
        sign_up(**order)
    return sent


@pytest.mark.usefixtures("light")
def test_a_step_that_fails_leaves_nothing(
    order: Order, traces: Traces, orphans: Callable[[], set[str]], pristine: Any
) -> None:
    reserve_schemas(1)
    steps = len(statements_of(order))
    pristine.restore()
    reserve_schemas(1)
    before = traces()
    assert steps > 8
    for failing in range(steps):
        with failing_at(failing), pytest.raises(Interrupted):
            sign_up(**order)
        assert added(traces, before) == NOTHING, f"after a failure at statement {failing}"
    assert orphans() == set()
    sign_up(**order)


@contextmanager
def failing_at(number: int) -> Iterator[None]:
    """Let one statement of the migrator fail, counted from the first."""
    sent = -1

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal sent
        sent += 1
        if sent == number:
            raise Interrupted
        return execute(sql, params, many, context)

    with connections["migrator"].execute_wrapper(fail):
        yield


def test_a_statement_that_fails_inside_the_baseline_leaves_nothing(
    order: Order, traces: Traces, orphans: Callable[[], set[str]]
) -> None:
    before = traces()
    parts = 0
    while cut_after(parts, order):
        assert added(traces, before) == NOTHING, f"after {parts} statements of the script"
        parts += 1 if parts < 3 else 29
    assert parts > 50
    assert orphans() == set()


def cut_after(parts: int, order: Order) -> bool:
    """Sign up with a script that fails after so many statements; False when it has no more."""
    was_cut = False

    def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal was_cut
        script = sql.split(";\n")
        if sql.startswith("CREATE SCHEMA") and parts <= len(script):
            was_cut = True
            sql = ";\n".join([*script[:parts], "SELECT 1 / 0"])
        return execute(sql, params, many, context)

    with connections["migrator"].execute_wrapper(cut):
        with suppress(DataError):  # a division by zero
            sign_up(**order)
            assert not was_cut, "the script went on after it had failed"
    return was_cut


# Kills

# Where a sign-up stands still when somebody else holds this lock, from its first step to its last.
MOMENTS = {
    "before the schema is made": "LOCK TABLE fleet_baseline IN ACCESS EXCLUSIVE MODE",
    "among the rights of the schema": """DO $$ BEGIN EXECUTE (
        SELECT format('DROP ROLE %I', name) FROM fleet_schema WHERE state = 'reserved'); END $$""",
    "after everything, before the commit": "UPDATE clients_directoryversion SET version = version",
}


@contextmanager
def standing_at(lock: str) -> Iterator[None]:
    """Hold a lock that sign-ups meet on their way."""
    with administrator() as admin, admin.transaction(force_rollback=True):
        admin.execute(lock)
        yield


def start_sign_up(order: Order) -> BaseProcess:
    """In a process of its own, with connections of its own."""
    connections.close_all()
    child = get_context("fork").Process(target=sign_up, kwargs=order)
    child.start()
    return child


def wait_for_lock(process: BaseProcess) -> int:
    """Wait until the migrator stands before a lock; the server process it talks to."""
    query = (
        "SELECT pid FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    login, found = settings.DATABASES["migrator"]["USER"], list[Any]()
    with administrator() as admin:

        def stands() -> bool:
            assert process.is_alive(), "the sign-up ended before it met the lock"
            found.extend(admin.execute(query, [login]))
            return bool(found)

        wait_until(stands, "the sign-up never met the lock")
    return int(found[0][0])


@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_sign_up_killed_half_way_leaves_nothing(
    order: Order, moment: str, traces: Traces, orphans: Callable[[], set[str]]
) -> None:
    reserve_schemas(1)
    before = traces()
    with standing_at(MOMENTS[moment]):
        child = start_sign_up(order)
        server = wait_for_lock(child)
        child.kill()
        child.join(LIMIT)
        assert child.exitcode == -signal.SIGKILL
    wait_for_end_of(server)
    assert added(traces, before) == NOTHING
    assert orphans() == set()
    sign_up(**order)
    assert added(traces, before) == ONE


def wait_for_end_of(server: int) -> None:
    query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
    with administrator() as admin:
        wait_until(lambda: admin.execute(query, [server]).fetchone() is None, "the backend did not end")
