"""A row for every table, whatever apps come: made from the fields that a model declares."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from billing.models import StripeInvoice
from shared_apps.domains.models import Claim
from tenants.context import current_tenant
from tenants.models import uuid7
from tests.isolation.doors.routes import Undeclared

EXAMPLES: dict[type[Any], Any] = {
    ArrayField: list,
    models.BooleanField: False,
    models.DateField: lambda: timezone.now().date(),
    models.DateTimeField: lambda: timezone.now() + timedelta(days=1),
    models.DecimalField: Decimal(1),
    models.EmailField: "somebody@own.example",
    models.FloatField: 1.0,
    models.IntegerField: 1,
    models.JSONField: dict,
    models.CharField: "EUR",
    models.TextField: "text",
    models.UUIDField: uuid7,
}


def tenant_models() -> list[type[models.Model]]:
    """The models of a tenant's schema, those that others refer to first."""
    waiting = [model for app in _tenant_apps() for model in app.get_models()]
    ordered: list[type[models.Model]] = []
    while waiting:
        ready = [model for model in waiting if not _needs(model) & set(waiting) - {model}]
        ordered += ready
        waiting = [model for model in waiting if model not in ready]
    return ordered


def owned_models() -> list[type[models.Model]]:
    """The models whose rows belong to one tenant, wherever their tables are."""
    return [*tenant_models(), Claim, StripeInvoice]


def ensure_rows() -> None:
    """Give every table of the current tenant at least one row."""
    for model in tenant_models():
        if not model._default_manager.exists():
            model._default_manager.create(**dict(_values(model)))


def ids_of(model: type[models.Model]) -> list[Any]:
    """The keys of a model's rows in the current tenant, oldest first."""
    rows = model._default_manager.all()
    if model is StripeInvoice:
        rows = rows.filter(tenant=current_tenant().schema)
    elif model not in tenant_models():
        rows = rows.filter(tenant_id=current_tenant().id)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _tenant_apps() -> Iterator[Any]:
    return (app for app in apps.get_app_configs() if app.name in settings.TENANT_APPS)


def _needs(model: type[models.Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


def _values(model: type[models.Model]) -> Iterator[tuple[str, Any]]:
    for field in model._meta.concrete_fields:
        if not (field.null or _fills_itself(field)):
            yield field.name, _value(field)


def _fills_itself(field: Any) -> bool:
    by_database = field.db_default is not models.NOT_PROVIDED
    return field.has_default() or by_database or getattr(field, "auto_now", False)


def _value(field: Any) -> Any:
    if field.is_relation:
        return field.related_model._default_manager.first()
    if field.choices:
        return field.choices[0][0]
    kind = next((kind for kind in type(field).__mro__ if kind in EXAMPLES), None)
    if kind is None:
        raise Undeclared(f"No example is known for {field}: add one to EXAMPLES.")
    example = EXAMPLES[kind]
    return example() if callable(example) else example
