"""Making a tenant's schema: the baseline replayed in one transaction, never migrations one by one."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connections

from shared_apps.clients.baseline import compile_baseline
from shared_apps.clients.grants import role_statements, schema_grants
from shared_apps.clients.models import Baseline
from tenants.routers import MIGRATOR_ALIAS

TEMPLATE_SCHEMA = "t_template"
TEMPLATE_ID = UUID(int=0)


class NotPrepared(RuntimeError):
    """The database has no baseline yet."""


def provision_schema(schema: str, tenant_id: UUID) -> None:
    """Make a tenant's schema, role, grants, seed rows and sentinel inside the migrator's open transaction.

    Sent as one message. Tables come before seed rows: with deferred foreign keys ALTER TABLE fails after an INSERT.
    """
    connection = connections[MIGRATOR_ALIAS]
    assert connection.in_atomic_block, "provision_schema belongs in the transaction that makes the client"
    script = [
        f'CREATE SCHEMA "{schema}"',
        f'SET LOCAL search_path = "{schema}", ext',
        _baseline(),
        *_seeds(),
        f"INSERT INTO tenants_sentinel (tenant_id) VALUES ('{tenant_id}')",
        *role_statements(schema, app_login()),
        *schema_grants(schema, schema),
    ]
    with connection.cursor() as cursor:
        cursor.execute(";\n".join(script))


@contextmanager
def schema_entered(schema: str) -> Iterator[None]:
    """Point the migrator's connection at one schema and nothing else; its backend sends the path with each cursor."""
    connection = connections[MIGRATOR_ALIAS]
    connection.set_schema(schema, include_public=False)  # type: ignore[attr-defined]  # django-tenants' backend
    try:
        yield
    finally:
        connection.set_schema_to_public()  # type: ignore[attr-defined]


def refresh_baseline() -> None:
    """Compile the baseline anew from the template schema, after migrations."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute("BEGIN")
        statements = compile_baseline(cursor, TEMPLATE_SCHEMA)
        cursor.execute("COMMIT")
    Baseline.objects.using(MIGRATOR_ALIAS).update_or_create(id=1, defaults={"statements": statements})


def grant_schema(schema: str) -> None:
    """Bring the rights of a tenant's role up to the tables its schema has now."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(";".join(schema_grants(schema, schema)))


def app_login() -> str:
    """The login that serves requests."""
    return str(settings.DATABASES["default"]["USER"])


def _baseline() -> str:
    # Shared with other sign-ups, and held to the commit: a migration that lists the tenants misses nobody.
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute("SELECT statements FROM clients_baseline WHERE id = 1 FOR SHARE")
        row = cursor.fetchone()
    if row is None:
        raise NotPrepared("There is no baseline to make a tenant from. Run `manage.py migrate` first.")
    return str(row[0])


def _seeds() -> list[str]:
    """Statements that copy the template's seed rows, and what it knows of migrations."""
    tables = [table for config in apps.get_app_configs() for table in getattr(config, "seed_tables", ())]
    return [
        f"""INSERT INTO django_migrations (app, name, applied)
            SELECT app, name, applied FROM "{TEMPLATE_SCHEMA}".django_migrations ORDER BY id""",
        *(f'INSERT INTO "{table}" SELECT * FROM "{TEMPLATE_SCHEMA}"."{table}"' for table in tables),
    ]
