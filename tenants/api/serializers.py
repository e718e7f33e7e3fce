"""The shape of what comes in and goes out: strange names are refused, rows are read without detours."""

from collections.abc import Callable, Mapping
from copy import copy
from operator import attrgetter
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from tenants.api import fields

Reader = Callable[[Any], Any]
# Where fields keep a field of their own.
INNER = ("child", "child_relation")
PLAIN_FIELDS = (
    serializers.BooleanField,
    serializers.CharField,
    serializers.ChoiceField,
    serializers.DateTimeField,
    serializers.DictField,
    serializers.IntegerField,
    serializers.JSONField,
    serializers.ListField,
    serializers.ReadOnlyField,
    serializers.UUIDField,
)


class TenantSerializer(serializers.Serializer[Any]):
    """Base of every serializer: refuses names that it does not know or that only go out."""

    _readers: ClassVar[list[tuple[str, Reader]]]
    _made: ClassVar[dict[str, Any]]

    def get_fields(self) -> dict[str, Any]:
        """Copies of the class's fields: making them anew costs more than the check of a body."""
        if "_made" not in self.__class__.__dict__:
            self.__class__._made = super().get_fields()
        return {name: unbound(field) for name, field in self._made.items()}

    def to_internal_value(self, data: Any) -> Any:
        strangers = self._strangers(data) if isinstance(data, Mapping) else {}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            found: Any = error.detail
            raise ValidationError({**strangers, **found}) from error
        if strangers:
            raise ValidationError(strangers)
        return values

    def _strangers(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        writable = {str(field.field_name) for field in self._writable_fields}
        return {str(name): [self._refusal(str(name), writable)] for name in data if name not in writable}

    def _refusal(self, name: str, writable: set[str]) -> ErrorDetail:
        if name in self.fields:
            return ErrorDetail("This is set by the server: leave it out.", "read_only")
        known = ", ".join(sorted(writable)) or "none"
        return ErrorDetail(f"There is no such field here. Fields: {known}.", "unknown_field")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return {name: read(instance) for name, read in self.chosen_readers()}

    def chosen_readers(self) -> list[tuple[str, Reader]]:
        """The readers of what this answer shows: of all fields, unless the view's context holds `readers`."""
        chosen: list[tuple[str, Reader]] | None = self.context.get("readers")
        return self.readers() if chosen is None else chosen

    @classmethod
    def is_read_by_fields(cls) -> bool:
        """Whether a record is shown as its fields say, and by nothing of the class's own."""
        return cls.to_representation is TenantSerializer.to_representation

    @classmethod
    def readers_for(
        cls, shows: Callable[[str], bool], expanded: "Mapping[str, type[TenantSerializer]]"
    ) -> list[tuple[str, Reader]]:
        """The readers of some fields, with related records in place of some ids."""
        return [
            (name, _one(attrgetter(name), expanded[name]()) if name in expanded else read)
            for name, read in cls.readers()
            if shows(name)
        ]

    @classmethod
    def readers(cls) -> list[tuple[str, Reader]]:
        """How each outgoing field is read; found once a class, since building fields costs more than rows."""
        if "_readers" not in cls.__dict__:
            cls._readers = [(str(field.field_name), _reader(field)) for field in cls()._readable_fields]
        return cls._readers


class NoInput(TenantSerializer):
    """The body of an action that needs nothing to be said: none, or an empty object."""


def unbound(field: Any) -> Any:
    """A copy of a field that belongs to no serializer yet; what is within it belongs to the copy."""
    made = copy(field)
    for name in INNER:
        if (inner := field.__dict__.get(name)) is not None:
            made.__dict__[name] = unbound(inner)
            made.__dict__[name].parent = made
    return made


def _reader(field: Any) -> Reader:
    source = str(field.source)
    if isinstance(field, serializers.ListSerializer) and isinstance(field.child, TenantSerializer):
        return _many(attrgetter(source), field.child)
    if isinstance(field, TenantSerializer) and source != "*":
        return _one(attrgetter(source), field)
    if isinstance(field, serializers.PrimaryKeyRelatedField):
        return attrgetter(f"{source}_id")
    if isinstance(field, PLAIN_FIELDS) and source != "*":
        return attrgetter(source)
    return lambda instance: _by_field(field, instance)


def _many(source: Reader, child: TenantSerializer) -> Reader:
    def read(instance: Any) -> list[dict[str, Any]]:
        found = source(instance)
        rows = found.all() if isinstance(found, models.Manager) else found
        return [child.to_representation(row) for row in rows]

    return read


def _one(source: Reader, child: TenantSerializer) -> Reader:
    def read(instance: Any) -> dict[str, Any] | None:
        found = source(instance)
        return None if found is None else child.to_representation(found)

    return read


def _by_field(field: Any, instance: Any) -> Any:
    value = field.get_attribute(instance)
    return None if value is None else field.to_representation(value)


class TenantModelSerializer(TenantSerializer, serializers.ModelSerializer[Any]):
    """Takes its fields from a model, in their strict forms. Uniqueness is the database's to judge."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BigIntegerField: fields.IntegerField,
        models.BooleanField: fields.BooleanField,
        models.CharField: fields.TextField,
        models.DateTimeField: fields.TimestampField,
        models.DecimalField: fields.MoneyField,
        models.EmailField: fields.EmailField,
        models.IntegerField: fields.IntegerField,
        models.SlugField: fields.TextField,
        models.TextField: fields.LongTextField,
        models.UUIDField: fields.IdField,
    }
    serializer_related_field = fields.ReferenceField
    serializer_choice_field = fields.ChoiceField

    def get_validators(self) -> list[Any]:
        return []

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        kind, options = super().build_standard_field(field_name, model_field)
        unwanted = {"validators", "allow_unicode"}
        wanted = {name: value for name, value in options.items() if name not in unwanted}
        if issubclass(kind, fields.ChoiceField):
            wanted["enum"] = f"{model_field.model.__name__}{model_field.name.title()}"
            wanted["may_be_empty"] = model_field.blank and "" not in dict(model_field.flatchoices)
        return kind, wanted
