"""The template schema: migrated before everybody else, entered by nobody, the source of the baseline."""

from typing import Any, Final

from django.core.management.sql import emit_post_migrate_signal
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from shared_apps.fleet.ledger import enter_in_ledger
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Baseline, Schema
from shared_apps.fleet.provisioning import (
    FILLED_BY_DJANGO,
    TEMPLATE_ID,
    ensure_template,
    refresh_baseline,
    schema_entered,
)
from tenants.routers import MIGRATOR_ALIAS

COLUMNS: Final = """
    SELECT c.relname, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = %s::regnamespace AND c.relname = ANY(%s) GROUP BY c.relname"""


def make_template() -> None:
    """Make the template and its row in the ledger, if they are not there. It has no role: nobody can enter it."""
    if Schema.objects.using(MIGRATOR_ALIAS).filter(name=TEMPLATE_SCHEMA).exists():
        return
    ensure_template()
    with transaction.atomic(using=MIGRATOR_ALIAS), schema_entered(TEMPLATE_SCHEMA):
        MigrationRecorder(connections[MIGRATOR_ALIAS]).ensure_schema()
    enter_in_ledger(TEMPLATE_SCHEMA, TEMPLATE_ID, Schema.State.TEMPLATE)


def fill_template() -> None:
    """After its migrations: the rows that Django makes itself."""
    with schema_entered(TEMPLATE_SCHEMA):
        emit_post_migrate_signal(0, False, MIGRATOR_ALIAS)


def renew_baseline() -> None:
    """Compile the baseline, from which new schemas are made, if the template is not what it was compiled from."""
    template = Schema.objects.using(MIGRATOR_ALIAS).get(name=TEMPLATE_SCHEMA)
    kind = {"applied": template.applied, "fingerprint": template.fingerprint}
    if not Baseline.objects.using(MIGRATOR_ALIAS).filter(**kind).exists():
        refresh_baseline((template.applied, template.fingerprint))


def rows_from_template() -> tuple[str, ...]:
    """Statements that give a migrated schema the rows which Django makes after migrations, in one go for each table."""
    with connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(COLUMNS, [TEMPLATE_SCHEMA, list(FILLED_BY_DJANGO)])
        found: dict[str, Any] = dict(cursor.fetchall())
    return tuple(
        f'INSERT INTO "{table}" ({found[table]}) OVERRIDING SYSTEM VALUE SELECT {found[table]}'
        f' FROM "{TEMPLATE_SCHEMA}"."{table}" ON CONFLICT (id) DO NOTHING;'
        f" SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))"
        for table in FILLED_BY_DJANGO
        if table in found
    )
