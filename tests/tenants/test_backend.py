"""The wrapper of one connection: what travels in the opening message, and what is refused after something broke."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from django.db.transaction import TransactionManagementError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.backend.base import WallBreached
from tenants.context import NoTenant, Tenant, tenant_context, unit_of_work
from tenants.users.models import User
from tests.stage import administrator


def first(statement: Any, params: Any = None) -> Any:
    """The row that a statement gives as the first of its unit."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()


# The first statement travels with the opening


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
def test_whatever_text_is_sent_first_arrives_as_it_is(acme: Tenant, text: str) -> None:
    with unit_of_work(acme):
        assert first("SELECT %s::text, current_user::text", [text]) == (text, acme.role)


@pytest.mark.parametrize(
    "text",
    [
        "'; ROLLBACK; SELECT 'x",
        "\\'; DROP TABLE users_user; --",
        "%s %% %(x)s",
        "$$; COMMIT; $$",
        "/*",
        "E'\\x27'",
        "\u2019\uff07",
        "line\nbreak; COMMIT;",
        "\\",
    ],
)
def test_text_that_looks_like_sql_stays_text(acme: Tenant, text: str) -> None:
    with unit_of_work(acme):
        assert first("SELECT %s::text", [text]) == (text,)
        assert User.objects.filter(name=text).count() == 0
        assert first("SELECT current_user")[0] == acme.role


@pytest.mark.parametrize(
    "value",
    [
        1,
        -7,
        2.5,
        True,
        None,
        Decimal("1.10"),
        UUID(int=7),
        datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
        b"\x00\xff",
        ["a'b", "c"],
    ],
)
def test_every_kind_of_value_may_be_sent_first(acme: Tenant, value: Any) -> None:
    with unit_of_work(acme):
        sent = first("SELECT %s", [value])
    with unit_of_work(acme):
        first("SELECT 1")
        assert first("SELECT %s", [value]) == sent


def test_a_first_statement_may_be_composed_or_hold_percents(acme: Tenant) -> None:
    with unit_of_work(acme):
        assert first(psycopg.sql.SQL("SELECT {}").format(psycopg.sql.Literal("it's"))) == ("it's",)
    with unit_of_work(acme):
        assert first("SELECT '100%'") == ("100%",)
    with unit_of_work(acme):
        assert first("SELECT '100%%', %s", [1]) == ("100%", 1)


def test_what_a_first_write_counts_and_returns_is_its_own(acme: Tenant) -> None:
    with unit_of_work(acme):
        assert User.objects.filter(role__in=["viewer", "member"]).update(name="x") == 2
    with unit_of_work(acme):
        assert first("UPDATE users_user SET name = 'y' WHERE role = 'viewer' RETURNING name") == ("y",)
    with unit_of_work(acme), connection.cursor() as cursor:
        cursor.execute("SELECT role FROM users_user ORDER BY role")
        assert [column.name for column in cursor.description] == ["role"]
        assert cursor.fetchmany(2) == [("admin",), ("member",)]
        assert list(cursor) == [("owner",), ("viewer",)]


def test_a_stream_of_rows_opens_the_tenant_first(acme: Tenant) -> None:
    with unit_of_work(acme), connection.cursor() as cursor:
        assert len(list(cursor.cursor.stream("SELECT email FROM users_user"))) == 4
    with pytest.raises(NoTenant), connection.cursor() as cursor:
        list(cursor.cursor.stream("SELECT email FROM users_user"))


def test_a_first_statement_that_fails_leaves_the_connection_usable(acme: Tenant, globex: Tenant) -> None:
    for statement in ("SELEC", "SELECT 1 / 0", "SELECT * FROM nowhere", "SELECT 1; SELECT 1 / 0"):
        with pytest.raises(DatabaseError), unit_of_work(acme):
            first(statement)
        with unit_of_work(globex):
            assert first("SELECT current_user") == (globex.role,)


# What is refused


def test_a_transaction_without_a_tenant_is_refused_before_it_begins() -> None:
    with pytest.raises(NoTenant, match="no tenant is set"), transaction.atomic():
        pass


def test_manual_transactions_and_changes_of_tables_are_refused(acme: Tenant) -> None:
    with pytest.raises(TransactionManagementError, match=r"use transaction\.atomic"):
        connection.set_autocommit(False)
    with pytest.raises(TransactionManagementError, match=r"manage\.py migrate"):
        connection.prepare_database()
    with unit_of_work(acme), pytest.raises(ProgrammingError), connection.schema_editor() as editor:
        editor.execute("CREATE TABLE mine (id int)")


def test_an_error_hidden_below_django_is_found_at_the_commit(acme: Tenant) -> None:
    with pytest.raises(TransactionManagementError, match="aborted"), unit_of_work(acme):
        User.objects.filter(role="viewer").update(name="lost")
        with suppress(psycopg.Error):
            connection.connection.execute("SELECT 1 / 0")
    with unit_of_work(acme):
        assert User.objects.get(role="viewer").name == ""


def test_a_connection_closed_inside_a_unit_does_not_go_on_as_another(acme: Tenant) -> None:
    with pytest.raises((NoTenant, InterfaceError, TransactionManagementError)), unit_of_work(acme):
        User.objects.count()
        connection.close()
        User.objects.count()
    with unit_of_work(acme):
        assert User.objects.count() == 4


def test_a_server_that_dies_within_a_unit_undoes_it_and_the_next_unit_works(acme: Tenant) -> None:
    with pytest.raises((OperationalError, InterfaceError)), unit_of_work(acme):
        User.objects.filter(role="viewer").update(name="lost")
        with administrator() as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.connection.info.backend_pid])
        User.objects.count()
    with unit_of_work(acme):
        assert User.objects.get(role="viewer").name == ""


# The sentinel


@pytest.fixture
def breached(acme: Tenant, globex: Tenant) -> Tenant:
    """A tenant whose schema says that it is another's."""
    with administrator() as admin:
        admin.execute(f'UPDATE "{acme.schema}".tenants_sentinel SET tenant_id = %s', [globex.id])
    return acme


def executemany() -> None:
    with connection.cursor() as cursor:
        cursor.executemany("UPDATE users_user SET name = %s", [("a",), ("b",)])


def copy() -> None:
    with connection.cursor() as cursor, cursor.copy("COPY users_user TO STDOUT") as rows:
        list(rows)


WAYS: dict[str, Callable[[], object]] = {
    "a query": User.objects.count,
    "a write": lambda: User.objects.update(name="x"),
    "executemany": executemany,
    "copy": copy,
    "a cursor of the server": lambda: list(User.objects.iterator(chunk_size=1)),
    "a savepoint": transaction.savepoint,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_send_sql_passes_a_wrong_sentinel(breached: Tenant, way: str) -> None:
    with pytest.raises(WallBreached, match="does not carry its tenant's sentinel"), unit_of_work(breached):
        WAYS[way]()


def test_a_breach_that_somebody_swallows_shuts_the_rest_of_the_unit(breached: Tenant) -> None:
    with pytest.raises((NoTenant, TransactionManagementError)), unit_of_work(breached):
        with suppress(WallBreached):
            User.objects.count()
        User.objects.count()


def test_nothing_is_written_after_a_breach_that_somebody_swallows(breached: Tenant) -> None:
    with suppress(NoTenant, TransactionManagementError), unit_of_work(breached):
        for _ in range(2):
            with suppress(WallBreached, TransactionManagementError):
                User.objects.update(name="written")
    with administrator() as admin:
        rows = admin.execute(f"SELECT 1 FROM \"{breached.schema}\".users_user WHERE name = 'written'")
        assert rows.fetchone() is None


def test_a_schema_without_a_sentinel_is_as_bad_as_one_with_the_wrong_one(acme: Tenant) -> None:
    with administrator() as admin:
        admin.execute(f'DELETE FROM "{acme.schema}".tenants_sentinel')
    with pytest.raises(WallBreached), unit_of_work(acme):
        User.objects.count()


def test_a_breach_does_not_stay_on_the_connection(breached: Tenant, globex: Tenant) -> None:
    with suppress(WallBreached), unit_of_work(breached):
        User.objects.count()
    with unit_of_work(globex):
        assert first("SELECT current_user") == (globex.role,)
    with tenant_context(breached), pytest.raises(WallBreached), transaction.atomic():
        User.objects.count()
