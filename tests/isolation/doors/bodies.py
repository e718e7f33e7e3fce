"""Bodies for the API, made from what its serializers declare: sound in everything, so that one id can be wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Model
from rest_framework import serializers

from tenant_apps.orders.models import OrderLine
from tests.isolation.doors.routes import Route, Undeclared
from tests.isolation.doors.rows import tenant_models

Place = tuple[str | int, ...]
Body = dict[str, Any]
Rows = Mapping[type[Model], list[Any]]
IDS = (serializers.UUIDField, serializers.PrimaryKeyRelatedField)


def shape_of(route: Route, method: str) -> serializers.BaseSerializer[Any] | None:
    """What a method of an API view takes; None where that is nothing."""
    if method in {"GET", "HEAD", "DELETE"} or route.view is None:
        return None
    default = getattr(route.view, "input_class", getattr(route.view, "serializer_class", None))
    shape = getattr(route.view, "inputs", {}).get(route.action(method), default)
    return shape() if shape else None


def id_places(field: Any, place: Place = ()) -> Iterator[tuple[Place, type[Model]]]:
    """Where a body names other records, and of which model."""
    if isinstance(field, IDS):
        yield place, _model_of(field, place)
    elif isinstance(field, serializers.ListSerializer | serializers.ListField):
        yield from id_places(field.child, (*place, 0))
    elif isinstance(field, serializers.Serializer):
        for name, inner in field.fields.items():
            if not inner.read_only:
                yield from id_places(inner, (*place, name))


def sound_body(shape: Any, own: Rows) -> Body:
    """A body with every required field and every id; the ids are acme's."""
    body: Body = _example(shape, own, ())
    return body


def sound_bodies(shape: Any, own: Rows, path: Iterable[type[Model]]) -> Iterator[Body]:
    """One sound body; several where it names parts of what the path names, as only some are parts of that."""
    parts = {model for _, model in id_places(shape) if not owners(model).isdisjoint(path)}
    for turn in range(max((len(own[model]) for model in parts), default=1)):
        yield sound_body(shape, {**own, **{model: own[model][turn:] + own[model][:turn] for model in parts}})


def owners(model: type[Model]) -> set[Any]:
    """The models whose rows a model's rows belong to."""
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


def with_value(body: Body, place: Place, value: str) -> Body:
    """The body with another value in one place."""
    first, *rest = place
    copy: Any = body.copy()
    copy[first] = with_value(copy[first], tuple(rest), value) if rest else value
    return copy  # type: ignore[no-any-return]


def _model_of(field: Any, place: Place) -> type[Model]:
    queryset = getattr(field, "queryset", None)
    if queryset is not None:
        return queryset.model  # type: ignore[no-any-return]
    name = next(part for part in reversed(place) if isinstance(part, str)).removesuffix("_id")
    if name in MEANT:
        return MEANT[name]
    for model in tenant_models():
        if model._meta.model_name in (name.replace("_", ""), name.replace("_", "").removesuffix("s")):
            return model
    raise Undeclared(f"The id at {place} is named after no model; name it after one.")


def _example(field: Any, own: Rows, place: Place) -> Any:
    if isinstance(field, IDS):
        return str(own[_model_of(field, place)][0])
    if isinstance(field, serializers.ListSerializer | serializers.ListField):
        return [_example(field.child, own, (*place, 0))]
    if isinstance(field, serializers.Serializer):
        return _apart(field, _fields_of(field, own, place), own, place)
    return _plain_example(field)


def _fields_of(field: Any, own: Rows, place: Place) -> Body:
    return {
        name: _example(inner, own, (*place, name))
        for name, inner in field.fields.items()
        if not inner.read_only and (inner.required or name in NAMED or list(id_places(inner, (name,))))
    }


def _apart(field: Any, body: Body, own: Rows, place: Place) -> Body:
    """Two fields beside each other that name rows of one model get different rows, as from and to must have."""
    seen: Counter[type[Model]] = Counter()
    for name in body:
        if isinstance(field.fields[name], IDS):
            model = _model_of(field.fields[name], (*place, name))
            body[name] = str(own[model][seen[model] % len(own[model])])
            seen[model] += 1
    return body


def _plain_example(field: Any) -> Any:
    if field.field_name in NAMED:
        return NAMED[field.field_name]
    for kind, example in EXAMPLES:
        if isinstance(field, kind):
            return example(field)
    raise Undeclared(f"No example is known for a {type(field).__name__}: add one to the isolation suite.")


# Names in bodies that are shorter than their model's.
MEANT: Final[dict[str, type[Model]]] = {"line": OrderLine}
# What has to be more than the least to be sound: a count of stock is not below what orders hold.
NAMED: Final = {"counted": 1_000}
EXAMPLES: Final[tuple[tuple[type[Any], Callable[[Any], Any]], ...]] = (
    (serializers.ChoiceField, lambda field: next(iter(field.choices))),
    (serializers.BooleanField, lambda field: False),
    (serializers.IntegerField, lambda field: max(field.min_value or 1, 1)),
    (serializers.DecimalField, lambda field: "1.00"),
    (serializers.DateTimeField, lambda field: (datetime.now(UTC) + timedelta(days=1)).isoformat()),
    (serializers.DictField, lambda field: {}),
    (serializers.EmailField, lambda field: "new@own.example"),
    (serializers.CharField, lambda field: "Text"),
)
