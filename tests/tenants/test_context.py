"""A tenant's statement runs in the tenant's transaction or not at all."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from tenants.context import (
    NoTenant,
    Tenant,
    current,
    current_tenant,
    public_context,
    realm_key,
    stream_in,
    tenant_context,
    unit_of_work,
)
from tenants.users.models import User
from tests.stage import administrator


def whose_schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])


def test_a_query_without_a_tenant_is_refused_with_the_way_on() -> None:
    with pytest.raises(NoTenant, match=r"no tenant is set; enter one with unit_of_work"):
        User.objects.count()


def test_a_query_outside_a_transaction_is_refused_although_the_tenant_is_known(acme: Tenant) -> None:
    with tenant_context(acme), pytest.raises(NoTenant, match="no transaction is open"):
        User.objects.count()


def test_the_path_and_the_role_end_with_the_transaction(acme: Tenant) -> None:
    with unit_of_work(acme):
        assert whose_schema() == acme.schema
    raw = connection.connection.execute("SELECT current_user, current_setting('search_path')").fetchone()
    assert raw == ("rowhouse_app", '""')


def test_two_tenants_read_their_own_rows(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        with unit_of_work(tenant):
            assert User.objects.filter(role="owner").get().email == f"owner@{tenant.name.lower()}.example"


def test_another_tenant_cannot_be_entered_inside_a_unit(acme: Tenant, globex: Tenant) -> None:
    with unit_of_work(acme):
        with pytest.raises(RuntimeError), unit_of_work(globex):
            pass
        with tenant_context(globex), pytest.raises(NoTenant, match="the open transaction belongs to"):
            User.objects.count()
        assert User.objects.count() == 4


def test_a_rolled_back_savepoint_leaves_the_tenant_entered(acme: Tenant) -> None:
    with unit_of_work(acme):
        with pytest.raises(IntegrityError), transaction.atomic():
            User(email="OWNER@acme.example", role="owner").save()
        assert whose_schema() == acme.schema


def test_an_error_rolls_the_unit_back(acme: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work(acme):
        User.objects.filter(role="viewer").update(name="changed")
        raise ZeroDivisionError
    with unit_of_work(acme):
        assert User.objects.get(role="viewer").name == ""


def test_a_swallowed_database_error_does_not_commit_in_silence(acme: Tenant) -> None:
    with pytest.raises(TransactionManagementError, match="swallowed"), unit_of_work(acme):
        with pytest.raises(IntegrityError):
            User(email="owner@acme.example", role="owner").save()


def test_raw_sql_that_ends_the_transaction_is_found_out(acme: Tenant) -> None:
    with pytest.raises(TransactionManagementError, match="ended by raw SQL"), unit_of_work(acme):
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            with pytest.raises(NoTenant, match="ended by raw SQL"):
                cursor.execute("SELECT 1")


def test_a_cursor_kept_after_the_unit_is_refused(acme: Tenant) -> None:
    with unit_of_work(acme):
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
    with pytest.raises(NoTenant):
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("way", ["executemany", "iterator", "copy"])
def test_every_way_to_send_sql_opens_the_tenant_first(acme: Tenant, way: str) -> None:
    with unit_of_work(acme):
        if way == "executemany":
            with connection.cursor() as cursor:
                cursor.executemany(
                    "UPDATE users_user SET name = %s WHERE role = %s", [("a", "viewer"), ("b", "member")]
                )
        elif way == "iterator":
            assert len(list(User.objects.iterator(chunk_size=2))) == 4
        else:
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY (SELECT email FROM users_user) TO STDOUT") as copy,
            ):
                assert len(list(copy.rows())) == 4
        assert whose_schema() == acme.schema


@pytest.mark.parametrize("way", ["executemany", "iterator", "copy"])
def test_no_way_to_send_sql_goes_round_the_refusal(way: str) -> None:
    with pytest.raises(NoTenant):
        if way == "executemany":
            with connection.cursor() as cursor:
                cursor.executemany("SELECT %s", [(1,), (2,)])
        elif way == "iterator":
            list(User.objects.iterator(chunk_size=2))
        else:
            with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1) TO STDOUT"):
                pass


def test_after_commit_hooks_open_their_own_transaction(acme: Tenant) -> None:
    seen: list[object] = []

    def hook() -> None:
        with pytest.raises(NoTenant):
            User.objects.count()
        with transaction.atomic():
            seen.append(User.objects.count())

    with unit_of_work(acme):
        transaction.on_commit(hook)
    assert seen == [4]


def test_a_new_thread_starts_without_a_tenant(acme: Tenant) -> None:
    found: list[object] = []

    def run() -> None:
        found.append(current.get())
        with pytest.raises(NoTenant):
            current_tenant()

    with unit_of_work(acme):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert found == [None]


def test_threads_do_not_mix_tenants(acme: Tenant, globex: Tenant) -> None:
    def ask(number: int) -> bool:
        tenant = (acme, globex)[number % 2]
        with unit_of_work(tenant):
            return whose_schema() == tenant.schema and User.objects.get(role="owner").email.endswith(
                f"@{tenant.name.lower()}.example"
            )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(800)))


def test_asynchronous_consumers_enter_inside_each_database_call(acme: Tenant, globex: Tenant) -> None:
    def owner_of(tenant: Tenant) -> str:
        with unit_of_work(tenant):
            return User.objects.get(role="owner").email

    async def consume() -> list[str]:
        import asyncio

        calls = [
            sync_to_async(owner_of, thread_sensitive=number % 3 == 0)((acme, globex)[number % 2])
            for number in range(60)
        ]
        return list(await asyncio.gather(*calls))

    expected = ["owner@acme.example", "owner@globex.example"] * 30
    assert async_to_sync(consume)() == expected


def test_asynchronous_code_without_a_unit_is_refused(acme: Tenant) -> None:
    async def consume() -> None:
        with tenant_context(acme):
            await sync_to_async(User.objects.count, thread_sensitive=False)()

    with pytest.raises(NoTenant):
        async_to_sync(consume)()


def test_a_streamed_body_has_a_unit_of_its_own_and_leaves_the_thread_clean(acme: Tenant) -> None:
    def produce():
        yield whose_schema().encode()
        yield str(User.objects.count()).encode()

    body = stream_in(acme, produce)
    assert next(body) == acme.schema.encode()
    assert current.get() is None
    assert list(body) == [b"4"]


def test_the_public_realm_is_entered_on_purpose() -> None:
    with pytest.raises(NoTenant):
        realm_key()
    with public_context():
        assert realm_key() == "public"
        assert list(User.objects.values_list("role", flat=True)) == ["operator"]
        with pytest.raises(NoTenant, match="in the public realm"):
            current_tenant()


def test_a_schema_name_that_could_be_sql_is_refused(acme: Tenant) -> None:
    with pytest.raises(ValueError, match="no tenant schema"):
        Tenant(acme.id, 't_a";DROP SCHEMA public', "x", "x.localhost")


def test_opening_costs_no_round_trip(acme: Tenant) -> None:
    with CaptureQueriesContext(connection) as sent, unit_of_work(acme):
        User.objects.count()
    opening, commit = (query["sql"] for query in sent)
    assert opening.startswith("BEGIN;SET LOCAL search_path")
    assert opening.endswith('FROM "users_user"')
    assert commit == "COMMIT"


def test_an_empty_unit_sends_nothing(acme: Tenant) -> None:
    with unit_of_work(acme):
        User.objects.count()
    pid = connection.connection.info.backend_pid
    with unit_of_work(acme):
        assert connection.connection.pgconn.transaction_status == 0
    assert connection.connection.info.backend_pid == pid


def test_a_connection_that_died_while_idle_is_replaced(acme: Tenant) -> None:
    with unit_of_work(acme):
        User.objects.count()
    with administrator() as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.connection.info.backend_pid])
    with unit_of_work(acme):
        assert User.objects.count() == 4
