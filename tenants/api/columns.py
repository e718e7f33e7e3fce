"""Serializers as SQL: a row is written as JSON by PostgreSQL, byte for byte as the serializer and the renderer would.

What is not known here to come out the same is refused, and then read on the ordinary way.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, Func, OuterRef, QuerySet, Subquery, TextField
from django.db.models.expressions import Combinable, Expression
from django.db.models.functions import Cast
from rest_framework import serializers

from tenants.api.fields import MoneyField
from tenants.api.serializers import PLAIN_FIELDS, TenantModelSerializer, TenantSerializer
from tenants.derived import Derived

Columns = dict[str, Expression | Combinable]
SAME_IN_JSON: Final = (
    models.BooleanField,
    models.CharField,
    models.IntegerField,
    models.TextField,
    models.UUIDField,
)


class NotCompiled(Exception):
    """The shape holds something that only Python can write."""


class Timestamp(Func):
    """A time as the renderer writes it: in UTC, with all digits of the fraction or with none."""

    arity = 1
    output_field = TextField()
    form = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
    template = f"replace(to_char(%(expressions)s AT TIME ZONE 'UTC', '{form}'), '.000000Z', 'Z')"


class JsonColumn(F):
    """A column that holds JSON itself."""


class RowVersion(Func):
    """The version of a row, which every change of it makes another one; its argument is a column of the row."""

    arity = 1
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, tuple[()]]:
        column: Any = self.get_source_expressions()[0]
        return f"{compiler.quote_name_unless_alias(column.alias)}.xmin", ()


class OneVersion(Subquery):
    """The version of a related row as text, or null."""

    output_field = TextField()
    template = "(SELECT n::text FROM (%(subquery)s) AS n)"


class AllVersions(OneVersion):
    """The versions of related rows as one text, in their order."""

    template = "(SELECT string_agg(n::text, '') FROM (%(subquery)s) AS n)"


class Nested(Subquery):
    """Related rows within their record; `versions` tells when they change."""

    output_field = TextField()
    kept: ClassVar[type[OneVersion]]
    versions: OneVersion
    holds_json = False


class JsonRecord(Nested):
    """A related record as JSON, or null."""

    kept = OneVersion
    template = "(SELECT row_to_json(n) FROM (%(subquery)s) AS n(%(names)s))"


class JsonRecords(Nested):
    """Related records as a JSON array, in their order."""

    kept = AllVersions
    template = (
        "(SELECT coalesce(array_to_json(array_agg(row_to_json(n))), '[]'::json)"
        " FROM (%(subquery)s) AS n(%(names)s))"
    )


def columns_of(
    shape: type[Any],
    model: type[models.Model],
    *,
    shows: Callable[[str], bool] = lambda name: True,
    expanded: Mapping[str, type[TenantSerializer]] | None = None,
) -> Columns:
    """The columns of a shape by the names of its fields; raises NotCompiled."""
    if not issubclass(shape, TenantModelSerializer) or not shape.is_read_by_fields():
        raise NotCompiled(shape.__name__)
    related = expanded or {}
    found = {str(field.field_name): field for field in shape()._readable_fields}
    return {
        name: _expanded(name, related[name], model) if name in related else _column(field, model)
        for name, field in found.items()
        if shows(name)
    }


def plain_column(model: type[models.Model], name: str) -> Expression | Combinable:
    """One column of a model as records show it."""
    field = _field(model, name)
    if isinstance(field, models.DateTimeField):
        return Timestamp(F(name))
    if isinstance(field, models.DecimalField):
        return Cast(F(name), TextField())
    if isinstance(field, ArrayField) and isinstance(field.base_field, models.CharField | models.UUIDField):
        return F(name)
    if isinstance(field, models.JSONField):
        return JsonColumn(name)
    if isinstance(field, SAME_IN_JSON):
        return F(name)
    raise NotCompiled(name)


def json_within(columns: Columns, row: str) -> str:
    """SQL: whether a row has JSON that the renderer writes otherwise than PostgreSQL, which does it with spaces."""
    if any(isinstance(column, Nested) and column.holds_json for column in columns.values()):
        return "TRUE"
    names = [name for name, column in columns.items() if isinstance(column, JsonColumn)]
    empty = "NOT IN ('{}'::jsonb, '[]'::jsonb)"
    return " OR ".join(f'coalesce({row}."{name}" {empty}, FALSE)' for name in names) or "FALSE"


def row_versions(columns: Columns) -> list[Expression | Combinable]:
    """What tells whether a row, or one that is shown within it, is still the one that it was."""
    nested = [column.versions for column in columns.values() if isinstance(column, Nested)]
    return [F("pk"), RowVersion("pk"), *nested]


def quoted(names: Iterable[str]) -> str:
    """Names as a list of SQL identifiers."""
    return ", ".join(f'"{name}"' for name in names)


def _column(field: Any, model: type[models.Model]) -> Expression | Combinable:
    source = str(field.source)
    if isinstance(field, serializers.ListSerializer):
        return _many(field.child, source, model)
    if isinstance(field, TenantModelSerializer):
        return _expanded(source, type(field), model)
    if isinstance(field, serializers.PrimaryKeyRelatedField):
        return F(_foreign_key(model, source).attname)
    if isinstance(derived := model.__dict__.get(source), Derived):
        return derived.expression
    if isinstance(field, MoneyField):
        return _money(field, model, source)
    if not isinstance(field, PLAIN_FIELDS):
        raise NotCompiled(source)
    if isinstance(_field(model, source), models.DecimalField):
        raise NotCompiled(source)
    return plain_column(model, source)


def _money(field: MoneyField, model: type[models.Model], source: str) -> Expression | Combinable:
    column = _field(model, source)
    if not isinstance(column, models.DecimalField) or column.decimal_places != field.decimal_places:
        raise NotCompiled(source)
    return plain_column(model, source)


def _many(child: Any, source: str, model: type[models.Model]) -> Nested:
    relation = _field(model, source)
    if not isinstance(relation, models.ManyToOneRel):
        raise NotCompiled(source)
    rows = relation.related_model._default_manager.filter(**{relation.field.attname: OuterRef("pk")})
    return _nested(JsonRecords, type(child), rows)


def _expanded(source: str, shape: type[TenantSerializer], model: type[models.Model]) -> Nested:
    key = _foreign_key(model, source)
    related: Any = key.related_model
    return _nested(JsonRecord, shape, related._default_manager.filter(pk=OuterRef(key.attname)).order_by())


def _nested(kind: type[Nested], shape: type[TenantSerializer], rows: QuerySet[Any]) -> Nested:
    columns = columns_of(shape, rows.model)
    nested: Nested = kind(rows.values_list(*columns.values()), names=quoted(columns))
    nested.versions = kind.kept(rows.values_list(*row_versions(columns)))
    nested.holds_json = json_within(columns, "") != "FALSE"
    return nested


def _foreign_key(model: type[models.Model], name: str) -> models.ForeignKey[Any, Any]:
    field = _field(model, name)
    if not isinstance(field, models.ForeignKey):
        raise NotCompiled(name)
    return field


def _field(model: type[models.Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise NotCompiled(name) from error
