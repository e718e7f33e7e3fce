"""The public schema's part of a migration: what adds comes before the tenants, what takes away comes after them."""

from collections.abc import Iterator
from typing import Final

from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connections
from django.db.migrations.operations import (
    AlterModelTable,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)
from django.db.migrations.recorder import MigrationRecorder

from shared_apps.fleet.executing import PublicExecutor
from shared_apps.fleet.ledger import migrations_of
from shared_apps.fleet.planning import Plan, Step, Target, operations_of
from shared_apps.fleet.provisioning import schema_entered
from shared_apps.fleet.statements import rows_of
from tenants.routers import MIGRATOR_ALIAS

PUBLIC: Final = "public"
TAKES_AWAY: Final = (AlterModelTable, DeleteModel, RemoveField, RenameField, RenameModel)


class PublicMigration:
    """What public needs, in two parts; tenants may lean on what it has until the last of them is migrated."""

    def __init__(self, targets: tuple[Target, ...], *, fake: bool = False) -> None:
        self._fake = fake
        with schema_entered(PUBLIC), connections[MIGRATOR_ALIAS].cursor() as cursor:
            cursor.execute("SELECT to_regclass('public.django_migrations')")
            if cursor.fetchone() == (None,):
                MigrationRecorder(connections[MIGRATOR_ALIAS]).ensure_schema()
            self._plan = Plan(migrations_of(cursor, PUBLIC), targets)
        # A database that is made just now has no tenants to wait for.
        self.last = list(self._taking_away()) if self._plan.applied else []
        self.first = [step for step in self._plan.steps if step not in self.last]

    def run(self, steps: list[Step]) -> bool:
        """Run some of the steps; whether public's tables may be others now."""
        if not any(step.touches_public for step in steps):
            _write_down(steps)
            return False
        with schema_entered(PUBLIC):
            executor = PublicExecutor(connections[MIGRATOR_ALIAS])
            plan = [(step.migration, step.backwards) for step in steps if step.migration]
            emit_pre_migrate_signal(0, False, MIGRATOR_ALIAS, plan=plan)
            executor.migrate([(step.app, step.name) for step in steps], plan=plan, fake=self._fake)
            if steps[-1] == (self.last or self.first)[-1]:  # makes content types
                emit_post_migrate_signal(0, False, MIGRATOR_ALIAS, plan=plan)
        return True

    def _taking_away(self) -> Iterator[Step]:
        """Steps that remove or rename something in public, and those that stand on them."""
        found: list[Step] = []
        for step in self._plan.steps:
            if _takes_away(step) or self._plan.depends_on(step, found):
                found.append(step)
                yield step


def _write_down(steps: list[Step]) -> None:
    """What changes the tenants' schemas alone: public only knows the migrations' names."""
    lines = [line for step in steps for line in rows_of(step.rows, step.backwards)]
    if lines:
        with schema_entered(PUBLIC), connections[MIGRATOR_ALIAS].cursor() as cursor:
            cursor.execute(";".join(lines))  # one message is one transaction


def _takes_away(step: Step) -> bool:
    if step.migration is None or step.backwards or not step.touches_public:
        return False
    return any(isinstance(operation, TAKES_AWAY) for operation in operations_of(step.migration.operations))
