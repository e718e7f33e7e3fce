"""`migrate` of this project: public, then the template and its baseline, then every schema of the fleet."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder

from shared_apps.fleet.grants import public_grants
from shared_apps.fleet.ledger import adopt_unlisted, enter_in_ledger
from shared_apps.fleet.models import TEMPLATE_SCHEMA, Schema
from shared_apps.fleet.provisioning import (
    TEMPLATE_ID,
    ensure_template,
    grant_schema,
    refresh_baseline,
    schema_entered,
)
from tenants.routers import MIGRATOR_ALIAS


class Command(DjangoMigrate):
    help = "Migrate the public schema and the template, compile the baseline, then migrate every tenant's schema."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=MIGRATOR_ALIAS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Each schema by Django's own executor; a failure names the schema and stops."""
        if options["database"] != MIGRATOR_ALIAS:
            raise CommandError("Every schema is migrated over the migrator's login: leave --database out.")
        self._migrate("public", *args, **options)
        with connections[MIGRATOR_ALIAS].cursor() as cursor:
            cursor.execute(";".join(public_grants(connections["control"].settings_dict["USER"])))
        ensure_template()
        self._migrate(TEMPLATE_SCHEMA, *args, **options)
        enter_in_ledger(TEMPLATE_SCHEMA, TEMPLATE_ID, Schema.State.TEMPLATE)
        # Before the tenants are listed: who signs up from here on is made from the new baseline.
        refresh_baseline()
        adopt_unlisted()
        schemas = Schema.objects.using(MIGRATOR_ALIAS).standing().exclude(name=TEMPLATE_SCHEMA)
        for schema in schemas.order_by("owned_at"):
            self._migrate(schema.name, *args, **options)
            grant_schema(schema.name)
            enter_in_ledger(schema.name, schema.tenant_id, schema.state)

    def _migrate(self, schema: str, *args: Any, **options: Any) -> None:
        # Without public on the path a table that is missing is an error and not public's table of that name.
        with schema_entered(schema):
            MigrationRecorder(connections[MIGRATOR_ALIAS]).ensure_schema()
            if options["verbosity"]:
                self.stdout.write(self.style.MIGRATE_HEADING(f"Schema {schema}"))
            try:
                super().handle(*args, **options)
            except DatabaseError as error:
                raise CommandError(f"Schema {schema} could not be migrated: {error}") from error
