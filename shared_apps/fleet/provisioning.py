"""Making a tenant's schema: the baseline replayed in one transaction, never migrations one by one.

A schema is made in two steps, each a transaction, so that a process killed anywhere leaves nothing half done. First
its name and its role are reserved, many at once, because role DDL makes the next `SET ROLE` of every backend slow.
Then the schema is built. A sign-up claims one that was built before, or builds a reserved one itself.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone

from shared_apps.fleet.baseline import OWN, compile_baseline
from shared_apps.fleet.grants import for_role, grants_on, role_statements, schema_grants
from shared_apps.fleet.ledger import inspect_schema, measure
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Baseline, Generation, Pool, Schema
from tenants.routers import CONTROL_ALIAS, MIGRATOR_ALIAS

TEMPLATE_ID: Final = UUID(int=0)
# Django fills these after migrations. With the same ids everywhere, what is cached of one schema is right in all.
FILLED_BY_DJANGO: Final = ("django_content_type", "auth_permission")
ROLES_AT_ONCE: Final = 20
# By name: the task's module stands on this one.
FILL_POOL: Final = "shared_apps.fleet.tasks.fill_pool"
# The newest generation first: while a migration runs, members that lag are taken last.
CLAIM: Final = """
    UPDATE fleet_schema SET state = 'owned', owned_at = now() WHERE name = (
        SELECT name FROM fleet_schema WHERE state = 'ready'
        ORDER BY applied = (SELECT applied FROM fleet_baseline) DESC, ready_at, name
        LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING fleet_schema.*, (SELECT count(*) - 1 FROM fleet_schema WHERE state = 'ready') AS remaining"""
TABLES: Final = f"SELECT relname FROM pg_class WHERE oid IN ({OWN}) AND relkind IN ('r', 'p') ORDER BY 1"
RESERVE: Final = """
    INSERT INTO fleet_schema (name, tenant_id, state, applied, fingerprint, halfway, steps, failure, reserved_at)
    VALUES ('{name}', '{tenant}', 'reserved', '', '', '', 0, '', now())"""


class NotPrepared(RuntimeError):
    """The database has no baseline yet."""


def claim_schema() -> Schema:
    """Take a ready schema out of the pool, or build one, inside the migrator's open transaction.

    Whoever rolls back gives it back. Members that somebody else is at (another sign-up, a migration) are passed over.
    """
    for schema in Schema.objects.using(MIGRATOR_ALIAS).raw(CLAIM):
        if schema.remaining < settings.POOL_SIZE / 2:  # type: ignore[attr-defined]  # see CLAIM
            _after_commit(_ask_for_more)
        return schema
    schema = _take_reserved()
    build_schema(schema, state=Schema.State.OWNED)
    if settings.POOL_SIZE:
        _after_commit(_count_miss)
        _after_commit(_ask_for_more)
    return schema


def reserve_schemas(count: int) -> None:
    """Choose names and make their roles, all in one transaction and over a connection of its own.

    Who grants the tenants' group holds a lock on it to the commit: in a sign-up's transaction the next sign-up would
    wait for it.
    """
    schemas = [Schema() for _ in range(count)]
    rows = [RESERVE.format(name=schema.name, tenant=schema.tenant_id) for schema in schemas]
    roles = [line for schema in schemas for line in role_statements(schema.name, app_login())]
    own = connections[MIGRATOR_ALIAS].copy()
    try:
        with own.cursor() as cursor:
            cursor.execute(";\n".join([*rows, *roles]))
    finally:
        own.close()


def first_reserved() -> Schema | None:
    """A reserved schema that nobody else is at, locked to the end of the migrator's transaction."""
    return (
        Schema.objects.using(MIGRATOR_ALIAS)
        .filter(state=Schema.State.RESERVED, failure="")
        .order_by("reserved_at", "name")
        .select_for_update(skip_locked=True)
        .first()
    )


def build_schema(schema: Schema, *, state: str = Schema.State.READY) -> None:
    """Make a reserved schema with its tables, seed rows, sentinel and rights; it is ready at the commit.

    Runs inside the migrator's open transaction, as one message. Tables come before seed rows: with deferred foreign
    keys ALTER TABLE fails after an INSERT.
    """
    assert connections[MIGRATOR_ALIAS].in_atomic_block, "build_schema belongs in a transaction"
    baseline = _baseline()
    _execute(
        [
            f'CREATE SCHEMA "{schema.name}"',
            f'SET LOCAL search_path = "{schema.name}", ext',
            baseline.statements,
            baseline.seeds,
            f"INSERT INTO tenants_sentinel (tenant_id) VALUES ('{schema.tenant_id}')",
            f'GRANT USAGE ON SCHEMA "{schema.name}" TO "{schema.name}"',
            *for_role([baseline.grants], schema.name),
        ]
    )
    schema.state, schema.ready_at = state, timezone.now()
    schema.owned_at = schema.ready_at if state == Schema.State.OWNED else None
    schema.applied, schema.fingerprint = baseline.applied, baseline.fingerprint
    schema.failure, schema.failed_at = "", None
    schema.save(using=MIGRATOR_ALIAS, force_update=True)


def drop_schema(name: str) -> None:
    """Remove a schema with its role and its row of the ledger, inside the migrator's open transaction."""
    assert connections[MIGRATOR_ALIAS].in_atomic_block, "drop_schema belongs in a transaction"
    # The row first: sign-ups and migrations pass over what is locked there.
    Schema.objects.using(MIGRATOR_ALIAS).filter(name=name).delete()
    _execute([f'DROP SCHEMA IF EXISTS "{name}" CASCADE', f'DROP ROLE IF EXISTS "{name}"'])


@contextmanager
def schema_entered(schema: str) -> Iterator[None]:
    """Point the migrator's connection at one schema and nothing else; its backend sends the path with each cursor."""
    connection = connections[MIGRATOR_ALIAS]
    connection.set_schema(schema, include_public=False)  # type: ignore[attr-defined]  # django-tenants' backend
    try:
        yield
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]


def ensure_template() -> None:
    """Make the template's schema if it is not there; it has no role, so that nobody can enter it."""
    _execute([f'CREATE SCHEMA IF NOT EXISTS "{TEMPLATE_SCHEMA}"'])


def refresh_baseline(kind: tuple[str, str] | None = None) -> None:
    """Compile the baseline anew from the template schema, whose two digests may be known."""
    applied, fingerprint = kind or inspect_schema(TEMPLATE_SCHEMA)
    with transaction.atomic(using=MIGRATOR_ALIAS):
        with connections[MIGRATOR_ALIAS].cursor() as cursor:
            statements = compile_baseline(cursor, TEMPLATE_SCHEMA)
            cursor.execute(TABLES, {"schema": TEMPLATE_SCHEMA})
            tables = [table for (table,) in cursor.fetchall()]
        values = {
            "statements": statements,
            "seeds": ";\n".join(_seeds(applied, tables)),
            # By the tables that the template has: the process that signs up may know other ones.
            "grants": ";\n".join(grants_on(tables)),
            "applied": applied,
            "fingerprint": fingerprint,
        }
        # Only the first time: later the measure is said anew together with all the other fingerprints.
        first = {**values, "measure": measure()}
        Baseline.objects.using(MIGRATOR_ALIAS).update_or_create(id=1, defaults=values, create_defaults=first)


def grant_schema(schema: str) -> None:
    """Bring the rights of a tenant's role up to the tables its schema has now."""
    _execute(
        [f'REVOKE ALL ON ALL TABLES IN SCHEMA "{schema}" FROM "{schema}"', *schema_grants(schema, schema)]
    )


def app_login() -> str:
    """The login that serves requests."""
    return str(settings.DATABASES["default"]["USER"])


def _take_reserved() -> Schema:
    # A loop: between the reservation and the look others may take all of it.
    while (schema := first_reserved()) is None:
        reserve_schemas(ROLES_AT_ONCE)
    return schema


def _baseline() -> Baseline:
    # Shared with other sign-ups, and held to the commit: a migration that lists the schemas misses nobody.
    rows = Baseline.objects.using(MIGRATOR_ALIAS).raw("SELECT * FROM fleet_baseline WHERE id = 1 FOR SHARE")
    for baseline in rows:
        return baseline
    raise NotPrepared("There is no baseline to make a tenant from. Run `manage.py migrate` first.")


def _seeds(applied: str, tables: list[str]) -> Iterator[str]:
    """Statements that insert the template's seed rows, and what it knows of migrations, as they are now.

    Values and not a copy from the template: when the next migration is at the template, a schema that is built
    from the old baseline must not get the new rows.
    """
    migrations = Generation.objects.using(MIGRATOR_ALIAS).get(digest=applied).migrations
    rows = [{"app": app, "name": name} for app, name in migrations]
    yield (
        "INSERT INTO django_migrations (app, name, applied) SELECT app, name, now()"
        f" FROM jsonb_to_recordset({_literal(rows)}) AS m(app text, name text)"
    )
    declared = [table for config in apps.get_app_configs() for table in getattr(config, "seed_tables", ())]
    for table in (*declared, *FILLED_BY_DJANGO):
        if table in tables and (rows := _rows_of(table)):
            yield f'INSERT INTO "{table}" SELECT * FROM jsonb_populate_recordset(NULL::"{table}", {_literal(rows)})'


def _rows_of(table: str) -> list[Any]:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t) FROM "{TEMPLATE_SCHEMA}"."{table}" t ORDER BY to_jsonb(t)::text')
        return [json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()]


def _literal(rows: list[Any]) -> str:
    return "'" + json.dumps(rows).replace("'", "''") + "'::jsonb"


def _after_commit(hook: Callable[[], None]) -> None:
    # Robust: a queue that is down must not turn a finished sign-up into an error.
    transaction.on_commit(hook, using=MIGRATOR_ALIAS, robust=True)


def _ask_for_more() -> None:
    current_app.send_task(FILL_POOL)


def _count_miss() -> None:
    # Alone, after the commit: sign-ups that build at the same time must not wait for each other.
    Pool.objects.using(CONTROL_ALIAS).update(missed=F("missed") + 1, missed_at=timezone.now())


def _execute(statements: list[str]) -> None:
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(";\n".join(statements))
