"""The tables of a tenant as its models know them: which, with which columns, in which order.

The models and not the catalog: a catalog of thousands of schemas is what makes other exporters slow, and what is
restored must be what the code reads. For an older schema the models are those of its own migrations.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from psycopg import Connection, sql

from shared_apps.fleet.ledger import Migrations, migrations_of
from tenants.errors import Conflict
from tenants.routers import MIGRATOR_ALIAS

# The sentinel names the schema's own tenant, and sessions are of browsers, not of the business.
LEFT_BEHIND: Final = frozenset({"tenants_sentinel", "django_session"})
BLOCK: Final = 1 << 18
Checksums = dict[str, tuple[int, str]]


class NewerThanTheCode(Conflict):
    """Data that was written by a later version of the platform."""

    code = "newer_than_the_code"
    title = "A newer version is needed"


@dataclass(frozen=True)
class Table:
    """A table with the columns that travel, and the key that gives its rows their order."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def raw_connection() -> "Connection[Any]":
    """psycopg's own connection below the migrator's alias, in the same transaction, for COPY."""
    wrapper = connections[MIGRATOR_ALIAS]
    wrapper.ensure_connection()
    raw: Connection[Any] = wrapper.connection
    return raw


def applied_in(schema: str) -> Migrations:
    """The migrations that a schema has."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        return migrations_of(cursor, schema)


def tables_of(migrations: Iterable[tuple[str, str]]) -> list[Table]:
    """The tables that travel with a tenant of this generation, each after those it refers to.

    Raises NewerThanTheCode for migrations that the code does not have.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    applied, known = set(migrations), set(loader.disk_migrations)
    if unknown := sorted(applied - known):
        raise NewerThanTheCode(
            f"The data has the migration {'.'.join(unknown[0])}, which this version of the platform does not know: "
            "it was written by a later one. Deploy that version here first, then try again."
        )
    registry: Any = apps
    if applied != known:
        registry = loader.project_state(sorted(applied & set(loader.graph.nodes))).apps
    return [table_of(model) for model in _in_order(_tenant_models(registry))]


def table_of(model: type[Model]) -> Table:
    """A model's table. Columns by name: in migrations they stand in another order than in models."""
    fields = [field for field in model._meta.local_concrete_fields if not getattr(field, "generated", False)]
    key = model._meta.pk
    return Table(model._meta.db_table, tuple(sorted(str(f.column) for f in fields)), (str(key.column),))


def is_present(migrations: Iterable[tuple[str, str]]) -> bool:
    """Whether these are the migrations of the code that runs."""
    return set(migrations) == set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def hold_tables(schema: str, tables: Sequence[Table], mode: str = "ACCESS SHARE") -> None:
    """Keep migrations and removals away from the tables to the end of the transaction.

    LOCK takes no snapshot: the first question after it does, and sees what was committed before the lock.
    """
    names = sql.SQL(", ").join(sql.Identifier(schema, table.name) for table in tables)
    raw_connection().execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(names, sql.SQL(mode)))


def begin_snapshot() -> None:
    """Make the migrator's transaction, which has just begun, see one moment only, and write nothing."""
    raw_connection().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def row_estimate(schema: str, tables: Sequence[Table]) -> int:
    """About how many rows there are, from the planner's statistics; 0 where it has none yet."""
    row = (
        raw_connection()
        .execute(
            "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE oid = ANY"
            " (SELECT to_regclass(name) FROM unnest(%s::text[]) name)",
            [[f'"{schema}"."{table.name}"' for table in tables]],
        )
        .fetchone()
    )
    return int(row[0]) if row else 0


def read_rows(schema: str, table: Table, advance: Callable[[int], None]) -> Iterator[bytes]:
    """A table as COPY writes it, in the order of its key, in blocks of whole rows."""
    block, rows = bytearray(), 0
    with raw_connection().cursor() as cursor, cursor.copy(_copy_out(schema, table)) as copy:
        while row := copy.read():
            block += row
            rows += 1
            if len(block) >= BLOCK:
                advance(rows)
                yield bytes(block)
                block, rows = bytearray(), 0
    advance(rows)
    yield bytes(block)


def checksum(schema: str, tables: Sequence[Table] | None = None) -> Checksums:
    """Rows and SHA-256 of each table that travels; equal for equal rows, wherever they lie in the table."""
    found: Checksums = {}
    for table in tables or tables_of(applied_in(schema)):
        counted: list[int] = []
        digest = hashlib.sha256()
        for block in read_rows(schema, table, counted.append):
            digest.update(block)
        found[table.name] = (sum(counted), digest.hexdigest())
    return found


def _copy_out(schema: str, table: Table) -> sql.Composed:
    return sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT").format(
        column_list(table.columns), sql.Identifier(schema, table.name), column_list(table.key)
    )


def copy_in(schema: str, table: Table) -> sql.Composed:
    """The statement that takes a table's rows from the client."""
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, table.name), column_list(table.columns)
    )


def column_list(columns: Sequence[str]) -> sql.Composed:
    """Columns as SQL."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _tenant_models(registry: Any) -> list[type[Model]]:
    labels = {config.label for config in apps.get_app_configs() if config.name in settings.TENANT_APPS}
    return [
        model
        for model in registry.get_models(include_auto_created=True)
        if model._meta.app_label in labels
        and model._meta.managed
        and not model._meta.proxy
        and model._meta.db_table not in LEFT_BEHIND
    ]


def _in_order(models: Sequence[type[Model]]) -> list[type[Model]]:
    by_name = {model._meta.db_table: model for model in models}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name in sorted(by_name):
        sorter.add(name, *sorted(_refers_to(by_name[name]) & by_name.keys() - {name}))
    return [by_name[name] for name in sorter.static_order()]


def _refers_to(model: type[Model]) -> set[str]:
    fields = model._meta.local_concrete_fields
    return {str(f.related_model._meta.db_table) for f in fields if f.related_model and f.is_relation}
