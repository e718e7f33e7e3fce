"""Django's executor, spared what the schema that it works on gets nothing of."""

from typing import ClassVar

from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from tenants.routers import schemas_of


class SparingExecutor(MigrationExecutor):
    """Only notes a migration whose app has no tables in this kind of schema.

    To draw its models takes as long as to draw those of others, and nobody would look at them: between what is in
    tenants' schemas only and what is in public only there are no relations.
    """

    of_tenants: ClassVar[bool]

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        in_tenants, in_public = schemas_of(migration.app_label)
        if in_tenants if self.of_tenants else in_public:
            applied: ProjectState = super().apply_migration(state, migration, fake, fake_initial)
            return applied
        self.record_migration(migration)  # type: ignore[call-arg, arg-type]  # the stubs are of an older Django
        return state


class PublicExecutor(SparingExecutor):
    """For the public schema."""

    of_tenants = False


class TenantExecutor(SparingExecutor):
    """For a tenant's schema."""

    of_tenants = True
