"""What one read asks the database for: built by the view's own declarations, kept as text where it can be."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.settings import api_settings

from tenants.api.columns import (
    Columns,
    NotCompiled,
    columns_of,
    json_within,
    plain_column,
    quoted,
    row_versions,
)
from tenants.api.pagination import Window
from tenants.api.renderers import dump_json
from tenants.api.viewsets import TenantViewSet, refuse_unknown_parameters
from tenants.context import TENANT_ALIAS
from tenants.users.authentication import Principal

MOST: Final = 1_000
# By which a record's tag tells its states apart.
CHANGED: Final = "updated_at"
# Stands for the id of the path in a statement that is kept.
ANY_ID: Final = UUID("0dead0de-ad0d-4ead-8dea-d0dead0dead0")
# A statement is kept only when nothing but these says what it reads: filters may look at the clock or the caller.
KEPT: Final = frozenset({"limit", "ordering", "fields", "expand"})
# A view with its own idea of one of these is answered by it.
OF_THE_BASE: Final = (
    "list retrieve initial parameters select filter_queryset get_object paginate_queryset "
    "get_paginated_response get_serializer get_serializer_class get_serializer_context get_authenticators "
    "get_permissions get_renderers get_throttles perform_authentication check_permissions check_object_permissions "
    "check_throttles perform_content_negotiation handle_exception finalize_response dispatch initialize_request "
    "determine_version authentication_classes permission_classes renderer_classes throttle_classes pagination_class "
    "filter_backends"
).split()


@dataclass(frozen=True)
class Plan:
    """A read as SQL, with the verbs that it needs.

    What the answer needs to know of a row beside what it shows is in `told`, the names of shown columns, or else in the
    second column. `versions` asks for the versions of all rows that the answer is made of; empty where more decides.
    """

    statement: str
    verbs: tuple[str, ...]
    told: tuple[str, ...] = ()
    window: Window | None = None
    versions: str = ""

    def written(self, rows: Any, number: int) -> bytes:
        """A row of the database as the renderer writes it."""
        row: bytes = rows.get_value(number, 0)
        return row if rows.get_value(number, 2) == b"f" else dump_json(orjson.loads(row))

    def beside(self, rows: Any, number: int) -> list[Any]:
        """What the answer needs to know of a row."""
        if self.told:
            row = orjson.loads(rows.get_value(number, 0))
            return [row[name] for name in self.told]
        values: list[Any] = orjson.loads(rows.get_value(number, 1) or b"[]")
        return values

    def of(self, key: UUID) -> "Plan":
        """The plan for one record."""
        mine, any_of_them = key.hex, ANY_ID.hex
        statement, versions = (text.replace(any_of_them, mine) for text in (self.statement, self.versions))
        return replace(self, statement=statement, versions=versions)


# A plan, and what writes its question for versions.
Made = tuple[Plan, Callable[[], str]]


@dataclass
class Plans:
    """The plans of one route's reads."""

    view: type[TenantViewSet]
    action: str
    route: str
    _kept: OrderedDict[str, Plan] = field(default_factory=OrderedDict)

    def plan(self, request: HttpRequest, principal: Principal) -> Plan:
        """The plan of a request; raises what the view would, or NotCompiled."""
        query = request.META.get("QUERY_STRING", "")
        if (kept := self._kept.get(query)) is not None:
            return kept
        view = self._view(request, principal)
        made, versions = self._list(view) if self.action == "list" else self._record(view)
        if not self._is_kept or set(view.request.query_params) - KEPT:
            return made
        self._kept[query] = made = replace(made, versions=versions())
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return made

    @property
    def _is_kept(self) -> bool:
        is_of_the_base = self.view.get_queryset is TenantViewSet.get_queryset
        return is_of_the_base or self.view.rows_by_query

    def _view(self, request: HttpRequest, principal: Principal) -> Any:
        view: Any = self.view()
        view.action_map = {"get": self.action}
        view.action, view.args, view.kwargs, view.format_kwarg = self.action, (), {"id": ANY_ID}, None
        view.request = view.initialize_request(request)
        view.request.user = principal
        refuse_unknown_parameters(view.request, view.parameters())
        view.select()
        return view

    def _list(self, view: Any) -> Made:
        rows = view.filter_queryset(view.get_queryset()).select_related(None)
        window = Window.asked_for(rows, view.request.query_params, view.request.path)
        columns = self._columns(view, rows)
        return self._made(view, window.rows(rows), columns, [each.name for each in window.columns], window)

    def _record(self, view: Any) -> Made:
        rows = view.get_queryset().filter(pk=ANY_ID).order_by()
        names = {each.name for each in rows.model._meta.fields}
        return self._made(view, rows, self._columns(view, rows), [CHANGED] if CHANGED in names else [])

    def _made(
        self, view: Any, rows: QuerySet[Any], columns: Columns, names: list[str], window: Window | None = None
    ) -> Made:
        beside = {name: plain_column(rows.model, name) for name in names}
        is_shown = all(columns.get(name) == column for name, column in beside.items())
        statement = (_shown if is_shown else _beside)(rows, columns, list(beside.values()))
        plan = Plan(statement, self._verbs(view), tuple(names) if is_shown else (), window)
        return plan, partial(_versions, rows, columns)

    def _columns(self, view: Any, rows: QuerySet[Any]) -> Columns:
        shapes = view.selection.shapes(view.expansions)
        shape = view.get_serializer_class()
        if rows.db != TENANT_ALIAS:
            raise NotCompiled("a table of the platform's")
        return columns_of(shape, rows.model, shows=view.selection.shows, expanded=shapes)

    def _verbs(self, view: Any) -> tuple[str, ...]:
        verb = self.view.verb_for(self.action, "GET")
        expanded = (view.expansions[name].verb for name in view.selection.expand)
        return tuple(filter(None, (verb, *expanded)))


def is_plain(view: type[Any], action: str) -> bool:
    """Whether a view leaves an action to the bases, so that reading by a plan is the same."""
    own = [
        name for name in OF_THE_BASE if getattr(view, name, None) is not getattr(TenantViewSet, name, None)
    ]
    is_usual = list(view.renderer_classes) == list(api_settings.DEFAULT_RENDERER_CLASSES)
    return not own and is_usual and action in {"list", "retrieve"}


def _shown(rows: QuerySet[Any], columns: Columns, beside: list[Any]) -> str:
    inner = _bound(rows.values_list(*columns.values()))
    return f"SELECT row_to_json(x), NULL, {json_within(columns, 'x')} FROM ({inner}) AS x({quoted(columns)})"


def _beside(rows: QuerySet[Any], columns: Columns, beside: list[Any]) -> str:
    inner = _bound(rows.values_list(*columns.values(), *beside))
    hidden = [f"_{number}" for number in range(len(beside))]
    shown = ", ".join(f'x."{name}" AS "{name}"' for name in columns)
    values = ", ".join(f"x.{name}" for name in hidden)
    return (
        f"SELECT row_to_json(q), json_build_array({values}), {json_within(columns, 'x')}"
        f" FROM ({inner}) AS x({quoted([*columns, *hidden])}) CROSS JOIN LATERAL (SELECT {shown}) AS q"
    )


def _versions(rows: QuerySet[Any], columns: Columns) -> str:
    inner = _bound(rows.values_list(*row_versions(columns)))
    return f"SELECT v FROM ({inner}) AS v"


def _bound(rows: QuerySet[Any]) -> str:
    connection: Any = connections[TENANT_ALIAS]
    connection.ensure_connection()
    sql, params = rows.query.get_compiler(using=TENANT_ALIAS).as_sql()
    return str(connection.create_cursor().mogrify(sql, params))
