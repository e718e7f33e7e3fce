"""A backend remembers the tables of every tenant it has met, so a connection is replaced after so many tenants."""

import sys
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django.fixtures import Settings

from bench.backends import memory_mib
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import build_schema, first_reserved, reserve_schemas
from tenants.backend.touched import MOST_BACKENDS, Touched
from tenants.context import Tenant, tenant_context, unit_of_work
from tenants.models import uuid7
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import ApiToken, User
from tests.stage import administrator
from tests.waiting import wait_until

MOST_MIB = 100


def pid() -> int:
    """The backend that the unit runs on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def _new_connection() -> None:
    connection.close()


@pytest.fixture
def one_at_most(settings: Settings) -> None:
    """A connection is full with its second tenant."""
    settings.TENANTS_PER_CONNECTION = 1


def test_a_connection_serves_as_many_tenants_as_it_may(
    acme: Tenant, globex: Tenant, settings: Settings
) -> None:
    settings.TENANTS_PER_CONNECTION = 2
    seen = set()
    for tenant in (acme, globex) * 3:
        with unit_of_work(tenant):
            seen.add(pid())
    assert len(seen) == 1


@pytest.mark.usefixtures("one_at_most")
def test_a_full_connection_is_replaced_after_its_unit_and_never_inside(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        first = pid()
    with unit_of_work(globex):
        assert {pid(), pid(), pid()} == {first}
    with unit_of_work(globex):
        assert pid() != first


@pytest.mark.usefixtures("one_at_most")
def test_the_backend_of_a_full_connection_really_ends(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        first = pid()
    with unit_of_work(globex):
        User.objects.count()

    with administrator() as admin:
        query = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: admin.execute(query, [first]).fetchone() is None, "the backend did not end")


@pytest.mark.usefixtures("one_at_most")
def test_what_the_last_unit_wrote_is_there_and_its_hooks_run(acme: Tenant, globex: Tenant) -> None:
    said: list[Any] = []

    def hook() -> None:
        with unit_of_work(acme):
            said.append(User.objects.count())

    for tenant in (acme, globex):
        with unit_of_work(tenant):
            User.objects.update(name=f"of {tenant.name}")
            transaction.on_commit(hook)
    for tenant in (acme, globex):
        with unit_of_work(tenant):
            assert set(User.objects.values_list("name", flat=True)) == {f"of {tenant.name}"}
    assert said == [4, 4]


@pytest.mark.usefixtures("one_at_most")
def test_what_a_unit_undid_stays_undone_when_its_connection_goes(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        first = pid()
    with pytest.raises(ZeroDivisionError), unit_of_work(globex):
        User.objects.update(name="lost")
        raise ZeroDivisionError
    with unit_of_work(globex):
        assert not User.objects.filter(name="lost").exists()
        assert pid() != first


@pytest.mark.usefixtures("one_at_most")
def test_an_error_that_shows_at_the_commit_is_still_an_error(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        User.objects.count()
    with pytest.raises(IntegrityError), unit_of_work(globex):
        ApiToken.objects.bulk_create([ApiToken(name="of nobody", digest="x", created_by_id=uuid7())])
    with unit_of_work(globex):
        assert not ApiToken.objects.exists()


@pytest.mark.usefixtures("one_at_most")
def test_short_transactions_inside_a_tenant_s_context_count_alike(acme: Tenant, globex: Tenant) -> None:
    seen = []
    for tenant in (acme, globex, globex):
        with tenant_context(tenant), transaction.atomic():
            seen.append(pid())
    assert seen[0] == seen[1] != seen[2]


def test_backends_that_were_met_long_ago_are_forgotten() -> None:
    touched = Touched()
    for number in range(MOST_BACKENDS + 5):
        touched.add(("default", number), "t_acme")
    assert touched.add(("default", MOST_BACKENDS), "t_globex") == 2
    assert touched.add(("default", 0), "t_globex") == 1


def built(count: int) -> list[Schema]:
    """Schemas as the pool has them."""
    reserve_schemas(count)
    return [_build_next() for _ in range(count)]


def _build_next() -> Schema:
    with transaction.atomic(using=MIGRATOR_ALIAS):
        schema = first_reserved()
        assert schema is not None
        build_schema(schema)
        return schema


def as_tenant(schema: Schema) -> Tenant:
    """A schema of the pool as if somebody owned it."""
    return Tenant(id=schema.tenant_id, schema=schema.name, name="x", host="x")


def read_every_table(schema: Schema) -> None:
    """Meet everything that the tenant has."""
    with unit_of_work(as_tenant(schema)), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema.name])
        for (table,) in cursor.fetchall():
            if table != "django_migrations":
                cursor.execute(f'SELECT * FROM "{table}" LIMIT 1')


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells what a process has for itself.")
def test_a_backend_stays_small_when_it_meets_every_table_of_as_many_tenants_as_it_may(
    settings: Settings,
) -> None:
    """A product with more tables needs a lower TENANTS_PER_CONNECTION: docs/many-tenants.md."""
    schemas, begin = built(20), 5
    for schema in schemas[:begin]:
        read_every_table(schema)
    backend = connection.connection.info.backend_pid
    before = memory_mib(backend)
    for schema in schemas[begin:]:
        read_every_table(schema)
    for_one = (memory_mib(backend) - before) / (len(schemas) - begin)
    assert before + for_one * settings.TENANTS_PER_CONNECTION < MOST_MIB
