"""Which alias a model is read from: public tables over `control`, a tenant's over `default`."""

from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django_tenants.routers import TenantSyncRouter

from tenants.context import PUBLIC, TENANT_ALIAS, current
from tenants.replicas import reads

CONTROL_ALIAS, MIGRATOR_ALIAS = "control", "migrator"


class RealmRouter(TenantSyncRouter):
    """Send a model to the alias of the schema it lives in; a model of both follows the realm that was entered.

    Outside any realm such a model goes to the tenants' alias, whose backend refuses: nothing falls back to `public`.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        alias = self.db_for_write(model, **hints)
        unit = reads.get() if alias == TENANT_ALIAS else None
        return unit.alias() if unit is not None else alias

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        # An instance made on the migrator (provisioning) stays there, in the transaction that made it.
        instance = hints.get("instance")
        if instance is not None and instance._state.db == MIGRATOR_ALIAS:
            return MIGRATOR_ALIAS
        in_tenants, in_public = schemas_of(model._meta.app_label)
        if in_tenants and not (in_public and current.get() is PUBLIC):
            return TENANT_ALIAS
        return CONTROL_ALIAS

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        return schemas_of(first._meta.app_label) == schemas_of(second._meta.app_label) or (
            schemas_of(first._meta.app_label)[1] and schemas_of(second._meta.app_label)[1]
        )

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        if db != MIGRATOR_ALIAS:
            # Fixtures and dumpdata ask about a model and would skip it in silence on False; migrations name none.
            return None if "model" in hints else False
        allowed: bool | None = super().allow_migrate(db, app_label, model_name, **hints)
        return allowed


@cache
def schemas_of(app_label: str) -> tuple[bool, bool]:
    """Whether an app has tables in the tenants' schemas, and in public."""
    name = apps.get_app_config(app_label).name
    return name in settings.TENANT_APPS, name in settings.SHARED_APPS
