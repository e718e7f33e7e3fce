"""How every resource is read: by pages or one by one, what is asked for of it, and nothing that is known already."""

from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import answer_tag, is_known, list_tag
from tenants.api.renderers import dump_json
from tenants.api.selection import PARAMETERS, Expansion, Selection, selection_of
from tenants.api.serializers import TenantSerializer
from tenants.exporting import EXPORT
from tenants.exporting import PARAMETERS as EXPORTED

READS: Final = ("list", "retrieve")


class Reads(ListModelMixin, RetrieveModelMixin, GenericAPIView[Any]):
    """Base of viewsets. `expansions` names the related records that a read may show in place of an id.

    A view whose own `get_queryset` looks at nothing but the query's parameters says so by `rows_by_query`: its
    statements are then kept, as those of a view are that has none of its own.
    """

    action: str
    rows_by_query: ClassVar[bool] = False
    expansions: ClassVar[dict[str, Expansion]] = {}
    selection = Selection()

    def parameters(self) -> set[str]:
        """The query parameters that the action takes."""
        if self.action not in (*READS, EXPORT):
            return set()
        backends: list[Any] = [backend() for backend in self.filter_backends]
        parts = {"list": [self.paginator, *backends], EXPORT: backends}.get(self.action, [])
        chosen = PARAMETERS if self.expansions else PARAMETERS - {"expand"}
        own = EXPORTED if self.action == EXPORT else chosen
        return set(own).union(*(part.parameters(self) for part in parts))

    def select(self) -> None:
        """Take up `fields` and `expand`; raises where they cannot be."""
        shape = self.get_serializer_class()
        if self.action in READS and issubclass(shape, TenantSerializer):
            known = [name for name, _ in shape.readers()]
            self.selection = selection_of(self.request, known, self.expansions)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One page, or 304 where the caller has it already."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        data = self.get_serializer(page, many=True).data
        response = self.get_paginated_response(data)
        links = [response.data["next"], response.data["previous"]]
        return self._unless_known(list_tag(dump_json(data), dump_json(links)), response)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One record, or 304 where the caller has it already."""
        instance = self.get_object()
        data = self.get_serializer(instance).data
        return self._unless_known(answer_tag(instance, dump_json(data)), Response(data))

    def _unless_known(self, tag: str, response: Response) -> Response:
        known = is_known(tag, self.request.headers.get("If-None-Match"))
        answer = Response(status=304) if known else response
        answer["ETag"] = tag
        return answer

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that the request asks for, with the related ones that it wants to see."""
        narrowed = super().filter_queryset(queryset)
        expanded = [name for name in self.selection.expand if self.selection.shows(name)]
        return narrowed.select_related(*expanded) if expanded else narrowed

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        shape = self.get_serializer_class()
        if self.selection != Selection() and issubclass(shape, TenantSerializer):
            shapes = self.selection.shapes(self.expansions)
            context["readers"] = shape.readers_for(self.selection.shows, shapes)
        return context
