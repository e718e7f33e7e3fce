from datetime import UTC, datetime

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models
from django.db.models import Q

import billing.models
from billing.usage.partitions import HOME, LEDGER, REST, months_from, statements_for
from shared_apps.fleet.grants import TENANT_GROUP, public_grants

TABLE = "billing_usagerecord"
# Of this migration's time; later ones are granted when they exist, at the end of `migrate`.
FILLED = "id, meter, quantity, idempotency_key, occurred_at"
BEFORE = [
    f"ALTER TABLE {LEDGER} ADD COLUMN txid bigint",
    f"ALTER TABLE {LEDGER} ALTER COLUMN txid SET DEFAULT txid_current()",
    f"ALTER TABLE {LEDGER} ADD COLUMN is_correction boolean NOT NULL DEFAULT false",
    f"ALTER TABLE {LEDGER} DROP CONSTRAINT billing_usage_quantity_positive",
    f"ALTER TABLE {LEDGER} ADD CONSTRAINT billing_usage_quantity CHECK (quantity >= 0 OR is_correction)",
    "DROP INDEX public.billing_usage_meter",
    f"CREATE SCHEMA IF NOT EXISTS {HOME}",
    f"ALTER TABLE {LEDGER} RENAME TO {REST}",
    f"ALTER TABLE public.{REST} SET SCHEMA {HOME}",
    f"CREATE TABLE {LEDGER} (LIKE {HOME}.{REST} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (occurred_at)",
    f"ALTER TABLE {LEDGER} ATTACH PARTITION {HOME}.{REST} DEFAULT",
    f"CREATE INDEX billing_usage_order ON {LEDGER} USING brin (txid, occurred_at)"
    " WITH (pages_per_range = 32, autosummarize = on)",
]
AFTER = [
    f"ALTER TABLE {LEDGER} DETACH PARTITION {HOME}.{REST}",
    f"INSERT INTO {HOME}.{REST} SELECT * FROM {LEDGER} ON CONFLICT DO NOTHING",
    f"DROP TABLE {LEDGER}",
    f"ALTER TABLE {HOME}.{REST} SET SCHEMA public",
    f"ALTER TABLE public.{REST} RENAME TO {TABLE}",
    f"DROP SCHEMA {HOME}",
    f"DROP INDEX IF EXISTS public.{REST}_txid_occurred_at_idx",
    f"CREATE INDEX billing_usage_meter ON {LEDGER} (tenant, meter, occurred_at)",
    f"DELETE FROM {LEDGER} WHERE quantity <= 0",
    f"ALTER TABLE {LEDGER} DROP CONSTRAINT billing_usage_quantity",
    f"ALTER TABLE {LEDGER} ADD CONSTRAINT billing_usage_quantity_positive CHECK (quantity > 0)",
    f"ALTER TABLE {LEDGER} DROP COLUMN txid, DROP COLUMN is_correction",
]


def partition(apps, schema_editor):
    """Put a partitioned table in the place of the ledger; the old table becomes its default partition, as it is.

    Name, columns and rights are those that the code before writes with, and its key still holds, so it goes on. No row
    is moved or copied; the locks are held for as long as the CHECK of the old table takes.
    """
    for statement in BEFORE:
        schema_editor.execute(statement)
    if not _has_rows(schema_editor):
        for month in months_from(datetime.now(UTC).date(), 3):
            for statement in statements_for(month):
                schema_editor.execute(statement)
    _grant(schema_editor)


def unite(apps, schema_editor):
    """Put all rows back into one table of the old form; corrections and measures of nothing have no place in it."""
    for statement in AFTER:
        schema_editor.execute(statement)
    _grant(schema_editor)


def _has_rows(schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {LEDGER})")
        return cursor.fetchone()[0]


def _grant(schema_editor):
    """At once: between this commit and the rights that `migrate` gives at its end no order could be placed."""
    login = settings.DATABASES["control"]["USER"]
    schema_editor.execute(f'REVOKE ALL ON {LEDGER} FROM {TENANT_GROUP}, "{login}"')
    for statement in public_grants(login):
        if f'"{TABLE}"' in statement and TENANT_GROUP not in statement:
            schema_editor.execute(statement)
    schema_editor.execute(f"GRANT INSERT ({FILLED}) ON {LEDGER} TO {TENANT_GROUP}")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(partition, unite)],
            state_operations=[
                migrations.AddField(
                    "usagerecord",
                    "txid",
                    models.BigIntegerField(
                        db_default=billing.models.CurrentTransaction(), editable=False, null=True
                    ),
                ),
                migrations.AddField(
                    "usagerecord", "is_correction", models.BooleanField(db_default=False, editable=False)
                ),
                migrations.RemoveConstraint("usagerecord", "billing_usage_quantity_positive"),
                migrations.AddConstraint(
                    "usagerecord",
                    models.CheckConstraint(
                        condition=Q(quantity__gte=0) | Q(is_correction=True), name="billing_usage_quantity"
                    ),
                ),
                migrations.RemoveIndex("usagerecord", "billing_usage_meter"),
                migrations.AddIndex(
                    "usagerecord",
                    BrinIndex(
                        fields=["txid", "occurred_at"],
                        name="billing_usage_order",
                        pages_per_range=32,
                        autosummarize=True,
                    ),
                ),
            ],
        ),
    ]
