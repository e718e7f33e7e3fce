"""Lists page by page: a cursor says after which row to go on, so no page is slow and no row is skipped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.core.exceptions import ValidationError
from django.db.models import IntegerField, Model, Q, QuerySet
from django.utils import timezone
from rest_framework.exceptions import ErrorDetail
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from tenants.api.failures import InvalidQuery
from tenants.api.renderers import dump_json
from tenants.signing import BadLink, sign_until, unsign_until

DEFAULT_LIMIT: Final = 25
MOST: Final = 100
GOOD_FOR: Final = timedelta(days=30)


@dataclass(frozen=True)
class Column:
    """One column of a list's order."""

    name: str
    descending: bool
    nullable: bool

    @classmethod
    def parse(cls, text: str, model: type[Model]) -> "Column":
        name = text.removeprefix("-")
        return cls(name, text.startswith("-"), bool(getattr(_field(model, name), "null", False)))

    def __str__(self) -> str:
        return f"-{self.name}" if self.descending else self.name

    def reversed(self) -> "Column":
        return replace(self, descending=not self.descending)

    def after(self, value: Any) -> Q:
        """Rows that come later by this column alone. PostgreSQL takes NULL for larger than everything."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if self.descending else Q(pk__in=[])
        later = Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})
        return later | Q(**{f"{self.name}__isnull": True}) if self.nullable and not self.descending else later

    def from_(self, value: Any) -> Q:
        """Rows at or after the value: implied by the rest, and what lets the planner walk an index."""
        if value is None or (self.nullable and not self.descending):
            return Q()
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": value})

    def equal(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})


@dataclass(frozen=True)
class Position:
    """Where a page starts: after (or, going back, before) the row with these values."""

    backwards: bool
    values: list[Any]


@dataclass(frozen=True)
class Window:
    """The part of a list that one page shows."""

    purpose: str
    limit: int
    columns: list[Column]
    position: Position | None

    @classmethod
    def asked_for(cls, queryset: QuerySet[Any], parameters: Mapping[str, str], path: str) -> Self:
        """The window that the parameters of a request ask for; raises InvalidQuery."""
        columns = _columns(queryset)
        # The list and its order are part of what is signed: a cursor means nothing anywhere else.
        purpose = f"cursor:{path}:{','.join(map(str, columns))}"
        position = _position(purpose, columns, queryset.model, parameters.get("cursor"))
        return cls(purpose, _limit(parameters.get("limit")), columns, position)

    @property
    def is_backwards(self) -> bool:
        return self.position is not None and self.position.backwards

    def rows(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the page and, where there are more, one of them; in the window's direction."""
        columns = [column.reversed() for column in self.columns] if self.is_backwards else self.columns
        if self.position is not None:
            queryset = queryset.filter(_beyond(columns, self.position.values))
        return queryset.order_by(*map(str, columns))[: self.limit + 1]

    def cut(self, found: list[Any]) -> tuple[list[Any], bool]:
        """What was found, in the list's order, and whether there was more."""
        rows = found[: self.limit]
        return rows[::-1] if self.is_backwards else rows, len(found) > self.limit

    def links(self, address: str, edges: tuple[Any, Any] | None, *, more: bool) -> list[str | None]:
        """The addresses of the next and the previous page, from the values of the first and the last row."""
        is_first = self.position is None or (self.is_backwards and not more)
        is_last = not (more or self.is_backwards)
        if edges is None:
            return [None, None]
        return [
            None if is_last else self._link(address, edges[1], backwards=False),
            None if is_first else self._link(address, edges[0], backwards=True),
        ]

    def _link(self, address: str, values: list[Any], *, backwards: bool) -> str:
        cursor = sign_until(self.purpose, [backwards, values], _end())
        return str(replace_query_param(address, "cursor", cursor))


class CursorPagination(BasePagination):
    """`?limit=` and `?cursor=`; the answer is {"data": […], "next": url or null, "previous": url or null}."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """The rows of the page that the request asks for."""
        self.request = request
        self.window = Window.asked_for(queryset, request.query_params, request.path)
        self.rows, self.more = self.window.cut(list(self.window.rows(queryset)))
        return self.rows

    def get_paginated_response(self, data: Any) -> Response:
        """The page with the addresses of its neighbours."""
        edges = (self._values(self.rows[0]), self._values(self.rows[-1])) if self.rows else None
        links = self.window.links(self.request.build_absolute_uri(), edges, more=self.more)
        return Response({"data": data, "next": links[0], "previous": links[1]})

    def parameters(self, view: Any) -> set[str]:
        """The query parameters that lists take for their pages."""
        return {"limit", "cursor"}

    def _values(self, row: Model) -> list[Any]:
        return [_text(getattr(row, column.name)) for column in self.window.columns]

    # What the OpenAPI document says

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}
        return [
            _parameter("limit", limit, f"How many records a page holds, up to {MOST}."),
            _parameter("cursor", {"type": "string"}, "From `next` or `previous` of another page."),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["data", "next", "previous"],
            "properties": {"data": schema, "next": link, "previous": link},
        }


_BAD_CURSOR = (
    "This cursor was changed, is too old, or belongs to another list or order. Leave it out to start over."
)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST):
        raise _wrong("limit", f"Send a whole number from 1 to {MOST}.", "invalid_limit")
    return int(text)


def _position(purpose: str, columns: list[Column], model: type[Model], text: str | None) -> Position | None:
    if text is None:
        return None
    try:
        (backwards, values), _ = unsign_until(purpose, text)
        fields = [_field(model, column.name) for column in columns]
        return Position(backwards, [_value(*pair) for pair in zip(fields, values, strict=True)])
    except (BadLink, ValueError, TypeError, ValidationError) as error:
        raise _wrong("cursor", _BAD_CURSOR, "invalid_cursor") from error


def _field(model: type[Model], name: str) -> Any:
    """What a column holds; `relevance` is worked out for each search, a whole number."""
    return IntegerField() if name == "relevance" else model._meta.get_field(name)


def _columns(queryset: QuerySet[Any]) -> list[Column]:
    model = queryset.model
    named: Sequence[Any] = queryset.query.order_by or model._meta.ordering or ["-id"]
    columns = [Column.parse(str(name), model) for name in named]
    if all(column.name != "id" for column in columns):
        columns.append(Column("id", columns[-1].descending, nullable=False))
    return columns


def _beyond(columns: list[Column], values: list[Any]) -> Q:
    """Rows after the given one, column by column."""
    first, *others = columns
    later = first.after(values[0])
    if others:
        later |= first.equal(values[0]) & _beyond(others, values[1:])
    return first.from_(values[0]) & later


def _end() -> datetime:
    """When a cursor of today ends; the same all day, so that a page that stays the same is the same text."""
    return (timezone.now() + GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)


def _text(value: Any) -> Any:
    """The value as records show it."""
    return value if value is None or isinstance(value, int | str) else dump_json(value)[1:-1].decode()


def _value(field: Any, text: Any) -> Any:
    return None if text is None else field.to_python(text)


def _wrong(name: str, detail: str, code: str) -> InvalidQuery:
    return InvalidQuery({name: [ErrorDetail(detail, code)]})


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
