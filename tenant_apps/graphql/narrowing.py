"""Lists and single records as the REST API has them: its rows, its filters, its search, its order."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import QueryDict
from graphql import GraphQLError

from tenants.api.failures import InvalidQuery
from tenants.api.fields import CANONICAL_UUID
from tenants.api.viewsets import TenantViewSet


def narrowed(resource: type[TenantViewSet], **arguments: Any) -> QuerySet[Any]:
    """The rows of a resource's list that the arguments ask for; raises GraphQLError with what is wrong with them."""
    asked = QueryDict(mutable=True)
    asked.update({name: _text(value) for name, value in arguments.items() if value is not None})
    view = _view(resource, asked)
    rows: QuerySet[Any] = view.get_queryset()
    try:
        for backend in view.filter_backends:
            rows = backend().filter_queryset(view.request, rows, view)
    except InvalidQuery as error:
        raise _refusal(error) from error
    return rows


def one(resource: type[TenantViewSet], key: str) -> Model | None:
    """The record with this id, or nothing; a text that is no id is nobody's."""
    rows: QuerySet[Any] = _view(resource, QueryDict()).get_queryset()
    return rows.filter(pk=UUID(key)).first() if CANONICAL_UUID.fullmatch(key) else None


def _view(resource: type[TenantViewSet], asked: QueryDict) -> Any:
    request = SimpleNamespace(query_params=asked, method="GET")
    return resource(request=request, action="list", kwargs={}, format_kwarg=None)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _refusal(error: InvalidQuery) -> GraphQLError:
    found: Any = error.detail
    told = " ".join(f"{name}: {' '.join(map(str, mistakes))}" for name, mistakes in found.items())
    return GraphQLError(told, extensions={"code": "invalid_argument"})
