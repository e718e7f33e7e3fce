"""psycopg's pool below our backend: connections go round among threads, and are chosen by tenant."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as DjangosWrapper
from django.test import Client
from pytest_django.fixtures import Settings

from tenants.context import TENANT_ALIAS, Tenant, unit_of_work
from tenants.models import Sentinel
from tenants.users.models import User
from tests.stage import administrator
from tests.tenants.test_recycling import as_tenant, built, pid
from tests.waiting import wait_until

Pooled = Callable[..., Any]


@pytest.fixture
def pooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pooled]:
    """Run work in new threads, whose connections come from a pool: `pooled(size, work, arguments)`."""
    entry = connections.settings[TENANT_ALIAS]

    def run(
        size: int, work: Callable[..., Any], arguments: Any, *, threads: int = 2, timeout: float = 60
    ) -> list[Any]:
        pool = {"min_size": size, "max_size": size, "timeout": timeout}
        changed = {**entry, "CONN_MAX_AGE": 0, "OPTIONS": {**entry["OPTIONS"], "pool": pool}}
        monkeypatch.setitem(connections.settings, TENANT_ALIAS, changed)
        with ThreadPoolExecutor(threads) as executor:
            return list(executor.map(work, arguments))

    yield run
    if pool := DjangosWrapper._connection_pools.pop(TENANT_ALIAS, None):  # type: ignore[attr-defined]
        pool.close()


def test_no_row_is_wrong_while_two_threads_share_connections_of_many_tenants(
    pooled: Pooled, settings: Settings
) -> None:
    settings.TENANTS_PER_CONNECTION = 3
    tenants = [as_tenant(schema) for schema in built(8)]

    def read(seed: int) -> tuple[int, set[int]]:
        wrong, seen = 0, set()
        for number in range(150):
            tenant = tenants[(number * seed) % len(tenants)]
            with unit_of_work(tenant):
                wrong += Sentinel.objects.get().tenant_id != tenant.id
                seen.add(pid())
            connection.close()
        return wrong, seen

    results = pooled(2, read, (3, 5))
    assert sum(wrong for wrong, _ in results) == 0
    assert len(set.union(*(seen for _, seen in results))) > 10, "full connections were not replaced"


def test_a_tenant_comes_back_to_the_connection_that_knows_it(pooled: Pooled) -> None:
    tenants = [as_tenant(schema) for schema in built(4)]

    def read(_: int) -> list[set[int]]:
        seen: list[set[int]] = [set() for _ in tenants]
        fill_pool(4)
        for _ in range(5):
            for tenant, pids in zip(tenants, seen, strict=True):
                with unit_of_work(tenant):
                    pids.add(pid())
                connection.close()
        return seen

    (seen,) = pooled(4, read, [0], threads=1)
    assert [len(pids) for pids in seen] == [1, 1, 1, 1]
    assert len(set.union(*seen)) == 4, "tenants are spread over the connections"


def fill_pool(size: int) -> None:
    """Wait for the connections that the pool opens in the background."""
    connection.ensure_connection()
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]  # our own backend's
    wait_until(lambda: pool.get_stats()["pool_available"] >= size)


def test_a_connection_whose_server_closed_it_is_not_handed_out(pooled: Pooled, acme: Tenant) -> None:
    def read(_: int) -> int:
        with unit_of_work(acme):
            backend = pid()
        connection.close()
        with administrator() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 2000)", [backend])
        with unit_of_work(acme):
            return User.objects.count()

    assert pooled(1, read, [0], threads=1) == [4]


def test_who_finds_all_connections_busy_is_told_so_and_does_not_wait_for_ever(
    pooled: Pooled, acme: Tenant
) -> None:
    def ask(_: int) -> tuple[Any, Any, int]:
        pool = connection.pool  # type: ignore[attr-defined]  # our own backend's
        pool.open()
        held = pool.getconn(60)
        try:
            with pytest.raises(OperationalError, match="couldn't get a connection"), unit_of_work(acme):
                pass
            browser = Client(headers={"host": acme.host})
            answers = browser.get("/api/v1/me/"), browser.get("/sign-in/")
        finally:
            pool.putconn(held)
        return *answers, browser.get("/sign-in/").status_code

    ((api, page, afterwards),) = pooled(1, ask, [0], threads=1, timeout=0.5)
    assert (api.status_code, api.json()["code"], api["Retry-After"]) == (503, "unavailable", "5")
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert b"try again in a few seconds" in page.content
    assert afterwards == 200


def test_a_pool_and_persistent_connections_exclude_each_other(
    pooled: Pooled, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(_: int) -> None:
        monkeypatch.setitem(connections.settings[TENANT_ALIAS], "CONN_MAX_AGE", None)
        with pytest.raises(ImproperlyConfigured, match="set CONN_MAX_AGE to 0"):
            connection.ensure_connection()

    pooled(1, connect, [0], threads=1)
