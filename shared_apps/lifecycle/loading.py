"""Rows of an archive into a schema, inside the migrator's open transaction: all of them as exported, or none."""

from collections.abc import Sequence
from copy import copy
from typing import Final

import psycopg
from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.base import Operation as Step
from django.db.migrations.state import ProjectState
from psycopg import sql

from shared_apps.fleet.executing import TenantExecutor
from shared_apps.fleet.grants import schema_grants
from shared_apps.fleet.ledger import Migrations, enter_in_ledger
from shared_apps.fleet.models import Schema
from shared_apps.fleet.provisioning import schema_entered
from shared_apps.lifecycle.archive import Archive, BrokenArchive
from shared_apps.lifecycle.manifest import Manifest, TableEntry
from shared_apps.lifecycle.running import Hold
from shared_apps.lifecycle.tables import (
    LEFT_BEHIND,
    Table,
    applied_in,
    copy_in,
    is_present,
    raw_connection,
    tables_of,
)
from tenants.routers import MIGRATOR_ALIAS

SESSIONS: Final = sorted(LEFT_BEHIND - {"tenants_sentinel"})


def load(hold: Hold, archive: Archive, schema: Schema, *, is_fresh: bool) -> None:
    """Replace a schema's rows by an archive's; an older archive makes the schema anew and migrates it up."""
    manifest = archive.manifest
    tables = checked_tables(manifest)
    hold.begin(manifest.rows)
    present = is_present(manifest.migrations) and is_present(applied_in(schema.name))
    if present:
        empty(schema.name, tables, is_fresh=is_fresh)
    else:
        _rebuild(schema, list(manifest.migrations))
    for entry, table in zip(manifest.tables, tables, strict=True):
        hold.note(entry.name)
        _load_table(hold, archive, schema.name, entry, table)
    hold.note("foreign keys")
    settle(schema.name)
    if not present:
        hold.note("migrations")
        _bring_up(schema)


def checked_tables(manifest: Manifest) -> list[Table]:
    """The tables of the archive's generation; raises BrokenArchive unless it has them all, and no others."""
    tables = tables_of(manifest.migrations)
    expected = [(table.name, table.columns) for table in tables]
    found = {entry.name: entry.columns for entry in manifest.tables}
    for name, columns in expected:
        if found.get(name) != columns:
            what = "other columns than it had" if name in found else "no table"
            raise BrokenArchive(f"The archive has {what} {name} in the version that it was made from.")
    if strange := sorted(found.keys() - {name for name, _ in expected}):
        raise BrokenArchive(f"The archive has a table {strange[0]}, which its version did not have.")
    if [entry.name for entry in manifest.tables] != [name for name, _ in expected]:
        raise BrokenArchive("The tables of the archive are not in the order in which they are exported.")
    return tables


def empty(schema: str, tables: Sequence[Table], *, is_fresh: bool) -> None:
    """Remove the rows that are there; a new schema has seed rows only, for which truncating is too dear."""
    names = [sql.Identifier(schema, name) for name in (*(table.name for table in tables), *SESSIONS)]
    if is_fresh:
        wiping = sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(name) for name in reversed(names))
    else:
        wiping = sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(names))
    raw_connection().execute(wiping)


def settle(schema: str) -> None:
    """Check the foreign keys now, where their failure can still be explained; raises BrokenArchive."""
    try:
        raw_connection().execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.IntegrityError as error:
        told = error.diag.message_detail or error.diag.message_primary
        raise BrokenArchive(
            f"Rows of {error.diag.table_name} refer to others that are missing: {told}"
        ) from error


def _load_table(hold: Hold, archive: Archive, schema: str, entry: TableEntry, table: Table) -> None:
    try:
        with raw_connection().cursor() as cursor:
            with cursor.copy(copy_in(schema, table)) as copy:
                for block in archive.read_table(entry):
                    copy.write(block)
                    hold.advance(block.count(b"\n"))
            loaded = cursor.rowcount
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise BrokenArchive(
            f"The rows of {entry.name} cannot be taken: {error.diag.message_primary}"
        ) from error
    if loaded != entry.rows:
        raise BrokenArchive(f"{entry.name} has {loaded} rows, the manifest says {entry.rows}.")


# Older generations


def _rebuild(schema: Schema, migrations: Migrations) -> None:
    """Make the schema anew, empty, as it was when the archive was made."""
    _execute(f'DROP SCHEMA "{schema.name}" CASCADE; CREATE SCHEMA "{schema.name}"')
    _migrate(schema.name, migrations)
    tables = tables_of(migrations)
    # What migrations put into new tables is in the archive as well, as it was by then.
    empty(schema.name, tables, is_fresh=True)
    _execute(f"INSERT INTO \"{schema.name}\".tenants_sentinel (tenant_id) VALUES ('{schema.tenant_id}')")


def _bring_up(schema: Schema) -> None:
    """Migrate the schema to the code's generation, with its rows; then rights and ledger."""
    _migrate(schema.name, None)
    _execute(*schema_grants(schema.name, schema.name))
    enter_in_ledger(schema.name, schema.tenant_id, schema.state)


def _migrate(schema: str, migrations: Migrations | None) -> None:
    with schema_entered(schema):
        executor = InOneTransaction(connections[MIGRATOR_ALIAS])
        graph = executor.loader.graph
        executor.migrate(graph.leaf_nodes() if migrations is None else _last_of(graph, set(migrations)))


def _last_of(graph: MigrationGraph, migrations: set[tuple[str, str]]) -> Migrations:
    """The migrations of a set on which no other of the set depends."""
    return sorted(
        node
        for node in migrations & graph.nodes.keys()
        if not migrations & {child.key for child in graph.node_map[node].children}
    )


class InOneTransaction(TenantExecutor):
    """Django's executor for a schema that nobody else sees yet: what avoids locks elsewhere is done plainly here."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        plain = copy(migration)
        plain.__dict__ |= {"operations": [_plain(step) for step in migration.operations], "atomic": True}
        applied: ProjectState = super().apply_migration(state, plain, fake, fake_initial)
        # Between two migrations nothing may be pending, or the next ALTER TABLE is refused.
        raw_connection().execute("SET CONSTRAINTS ALL IMMEDIATE")
        return applied


def _plain(step: Step) -> Step:
    """The same step inside a transaction: CONCURRENTLY is the only thing left out."""
    from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
    from django.db.migrations import AddIndex, RemoveIndex

    if isinstance(step, AddIndexConcurrently):
        return AddIndex(step.model_name, step.index)
    if isinstance(step, RemoveIndexConcurrently):
        return RemoveIndex(step.model_name, step.name)
    return step


def _execute(*statements: str) -> None:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(";\n".join(statements))
