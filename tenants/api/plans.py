"""What one read asks the database for: built by the view's own declarations, kept as text where it can be."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connections
from django.db.models import BigIntegerField, F, Func, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from rest_framework.settings import api_settings

from tenants.api.columns import (
    AnyOf,
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


class Microseconds(Func):
    """A time as microseconds after 1970."""

    arity = 1
    output_field = BigIntegerField()
    template = "(extract(epoch FROM %(expressions)s) * 1000000)::bigint"


@dataclass(frozen=True)
class Plan:
    """A read as SQL, with the verbs that it needs.

    `versions` asks for the versions of all rows that the answer is made of; empty where more than they decides.
    """

    statement: str
    verbs: tuple[str, ...]
    holds_json: bool
    window: Window | None = None
    versions: str = ""

    def written(self, rows: Any, number: int) -> bytes:
        """A row of the database as the renderer writes it: JSON that was stored comes with spaces."""
        row: bytes = rows.get_value(number, 0)
        return dump_json(orjson.loads(row)) if self.holds_json and rows.get_value(number, 2) == b"t" else row

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
        edges = [plain_column(rows.model, column.name) for column in window.columns]
        columns, shown = self._columns(view, rows), window.rows(rows)
        json = json_within(columns)
        plan = Plan(_page(shown, columns, edges, json), self._verbs(view), json is not None, window)
        return plan, partial(_versions, shown, columns)

    def _record(self, view: Any) -> Made:
        rows = view.get_queryset().filter(pk=ANY_ID).order_by()
        names = {each.name for each in rows.model._meta.fields}
        moment = Microseconds(F("updated_at")) if "updated_at" in names else RawSQL("0", ())
        columns = self._columns(view, rows)
        json = json_within(columns)
        plan = Plan(_one(rows, columns, moment, json), self._verbs(view), json is not None)
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


def _page(rows: QuerySet[Any], columns: Columns, edges: list[Any], json: AnyOf | None) -> str:
    values = ", ".join(f"x._{number}" for number in range(len(edges)))
    return _written(rows, columns, edges, f"json_build_array({values})", json)


def _one(rows: QuerySet[Any], columns: Columns, moment: Any, json: AnyOf | None) -> str:
    return _written(rows, columns, [moment], "x._0", json)


def _written(rows: QuerySet[Any], columns: Columns, beside: list[Any], told: str, json: AnyOf | None) -> str:
    flags = [] if json is None else [json]
    inner = _bound(rows.values_list(*columns.values(), *beside, *flags))
    names = [*columns, *(f"_{number}" for number in range(len(beside))), *("_json" for _ in flags)]
    shown = ", ".join(f'x."{name}" AS "{name}"' for name in columns)
    return (
        f"SELECT row_to_json(q), {told}{', x._json' if flags else ''} FROM ({inner}) AS x({quoted(names)})"
        f" CROSS JOIN LATERAL (SELECT {shown}) AS q"
    )


def _versions(rows: QuerySet[Any], columns: Columns) -> str:
    inner = _bound(rows.values_list(*row_versions(columns)))
    return f"SELECT md5(string_agg(v::text, '')) FROM ({inner}) AS v"


def _bound(rows: QuerySet[Any]) -> str:
    connection: Any = connections[TENANT_ALIAS]
    connection.ensure_connection()
    sql, params = rows.query.get_compiler(using=TENANT_ALIAS).as_sql()
    return str(connection.create_cursor().mogrify(sql, params))
