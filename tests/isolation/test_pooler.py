"""Behind a transaction-mode pooler, where each transaction may run on another connection, nobody reads wrong rows."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection, connections, transaction
from pytest_django.fixtures import Settings

from config import env
from tenants.context import TENANT_ALIAS, Tenant, unit_of_work
from tenants.users.models import Role, User
from tests.isolation.pooler import pooler
from tests.tenants.test_recycling import as_tenant, built, pid

THREADS: Final = 8
SERVER_CONNECTIONS: Final = 3
READS: Final = 2_000
MANY_READS: Final = 100_000
TENANTS: Final = 20


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with pooler(SERVER_CONNECTIONS) as port:
        yield port


@pytest.fixture
def behind_pooler(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """New connections of the application, in threads that have none yet, go through the pooler."""
    monkeypatch.setitem(connections.settings[TENANT_ALIAS], "PORT", str(port))


def in_threads(work: Any, *arguments: Any) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, *arguments))


def read_by_turns(seed: int, tenants: tuple[Tenant, ...]) -> tuple[int, list[Any]]:
    """How many reads one thread made, and those that were wrong."""
    dice, wrong, reads = random.Random(seed), [], 0
    try:
        while reads < READS // THREADS:
            tenant = dice.choice(tenants)
            with unit_of_work(tenant):
                emails = [User.objects.get(role="owner").email for _ in range(dice.choice((1, 1, 1, 3)))]
                if dice.random() < 0.1:
                    emails += _after_a_rollback()
            reads += len(emails)
            wrong += [email for email in emails if email != f"owner@{tenant.name.lower()}.example"]
    finally:
        connections.close_all()
    return reads, wrong


def _after_a_rollback() -> list[str]:
    with transaction.atomic():
        User.objects.filter(role="owner").update(name="undone")
        transaction.set_rollback(True)
    return list(User.objects.filter(role="owner", name="").values_list("email", flat=True))


@pytest.mark.usefixtures("behind_pooler")
def test_no_row_is_wrong_behind_a_pooler_in_transaction_mode(acme: Tenant, globex: Tenant) -> None:
    results = in_threads(read_by_turns, range(THREADS), [(acme, globex)] * THREADS)
    assert sum(reads for reads, _ in results) >= READS
    assert [email for _, wrong in results for email in wrong] == []


@pytest.mark.usefixtures("light")
def test_no_row_of_many_tenants_is_wrong_in_a_hundred_thousand_reads(port: int) -> None:
    """From several processes, each unit on whichever of the few server connections is free."""
    tenants = [as_tenant(schema) for schema in built(TENANTS)]
    for tenant in tenants:
        with unit_of_work(tenant):
            User.objects.create(
                email="only@somebody.example", name=tenant.schema, role=Role.OWNER, password="!"
            )
    done = subprocess.run(
        [sys.executable, "-m", "tests.isolation.readers", str(port), str(MANY_READS)],
        input=json.dumps({tenant.schema: str(tenant.id) for tenant in tenants}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=env.ROOT,
        env=os.environ,
    )
    reads, wrong, units = json.loads(done.stdout)
    assert (reads, wrong) == (MANY_READS, 0)
    assert units > MANY_READS / 10


def test_the_pooler_ends_a_server_connection_that_has_met_too_many_tenants(
    acme: Tenant, globex: Tenant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TENANTS_PER_CONNECTION = 1
    turns = (acme, globex, globex, globex)

    def write(_: int) -> list[int]:
        pids = []
        for tenant in turns:
            with unit_of_work(tenant):
                User.objects.update(name=tenant.name)
                pids.append(pid())
        connection.close()
        return pids

    with pooler(1) as port, ThreadPoolExecutor(1) as executor, monkeypatch.context() as patch:
        patch.setitem(connections.settings[TENANT_ALIAS], "PORT", str(port))
        first, second, third, fourth = executor.submit(write, 0).result()
    assert first == second != third == fourth
    for tenant in turns:
        with unit_of_work(tenant):
            assert set(User.objects.values_list("name", flat=True)) == {tenant.name}


@pytest.mark.usefixtures("behind_pooler")
def test_the_reads_above_shared_few_server_connections(acme: Tenant) -> None:
    def backends(_: int) -> set[int]:
        pids: set[int] = set()
        try:
            for _ in range(50):
                with unit_of_work(acme), connections[TENANT_ALIAS].cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    pids.add(cursor.fetchone()[0])
        finally:
            connections.close_all()
        return pids

    seen: set[int] = set().union(*in_threads(backends, range(THREADS)))
    assert 1 <= len(seen) <= SERVER_CONNECTIONS


def read_for_the_session(port: int, seed: int, tenants: tuple[Tenant, ...]) -> int:
    """Wrong or refused reads of a client that sets path and role for the session, as is usual elsewhere."""
    entry, dice, wrong = django_settings.DATABASES["default"], random.Random(seed), 0
    login = {"dbname": entry["NAME"], "user": entry["USER"], "password": entry["PASSWORD"]}
    with psycopg.connect(
        host=entry["HOST"], port=port, autocommit=True, prepare_threshold=None, **login
    ) as raw:
        for _ in range(100):
            tenant = dice.choice(tenants)
            raw.execute(f'SET search_path = "{tenant.schema}", ext')
            raw.execute(f'SET ROLE "{tenant.role}"')
            try:
                row = raw.execute("SELECT email FROM users_user WHERE role = 'owner'").fetchone()
                wrong += row != (f"owner@{tenant.name.lower()}.example",)
            except psycopg.Error:
                wrong += 1
    return wrong


def test_settings_of_the_session_read_wrong_rows_behind_the_same_pooler(
    port: int, acme: Tenant, globex: Tenant
) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        runs = [pool.submit(read_for_the_session, port, seed, (acme, globex)) for seed in range(THREADS)]
        assert sum(run.result() for run in runs) > 0
