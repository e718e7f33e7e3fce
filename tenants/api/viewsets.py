"""The base of every API view: declared rights, strict queries, one verb called, one shape answered."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import Model
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import BaseSerializer, Serializer
from rest_framework.viewsets import GenericViewSet

from tenants.api.access import Declares
from tenants.api.conditional import Conditional
from tenants.api.deprecation import Deprecates
from tenants.api.etags import answer_tag
from tenants.api.failures import InvalidQuery
from tenants.api.idempotency import Repeatable
from tenants.api.reading import Reads
from tenants.api.renderers import dump_json
from tenants.api.selection import PARAMETERS as LISTED
from tenants.audit.actors import Actor, actor_of

Shape = type[BaseSerializer[Any]]


class PlainView(Declares, Deprecates):
    """An API view without a list behind it. Name its verbs by method, or why it is public.

    `input_class` shapes the body, `query_class` the query string, `output_class` the answer.
    """

    http_method_names = ["get", "head", "post", "patch", "put", "delete"]
    input_class: ClassVar[Shape]
    output_class: ClassVar[Shape]
    query_class: ClassVar[type[Serializer[Any]] | None] = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, set(self.query_class().fields) if self.query_class else set())

    def query(self) -> dict[str, Any]:
        """The query string of the request, checked by `query_class`; empty where there is none."""
        if self.query_class is None:
            return {}
        try:
            return _checked(self.query_class(data=self.request.query_params.dict()))
        except ValidationError as error:
            raise InvalidQuery(error.detail) from error

    def input(self) -> dict[str, Any]:
        """The body of the request, checked by `input_class`."""
        return _checked(self.input_class(data=self.request.data))

    def answer(self, instance: Any, *, status: int = 200) -> Response:
        """What came of it, in the shape of `output_class`."""
        return Response(self.output_class(instance).data, status=status)


class TenantView(PlainView, Repeatable):
    """A plain view of a tenant's host, whose POST heeds an idempotency key."""


class TenantViewSet(Declares, Reads, Conditional, Deprecates, Repeatable, GenericViewSet[Any]):
    """A resource: lists and shows records; writes are actions that call one service verb.

    `serializer_class` shapes what goes out, `outputs` other answers by action, `inputs` what an action takes,
    `statuses` what it answers with, `expansions` the related records that reads may show.
    """

    lookup_field = "id"
    lookup_value_converter = "uuid"
    http_method_names = ["get", "head", "post", "patch", "put", "delete"]
    ordering: ClassVar[tuple[str, ...]] = ()
    ordering_fields: ClassVar[tuple[str, ...]] = ()
    search_fields: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[dict[str, Shape]] = {}
    outputs: ClassVar[dict[str, Shape]] = {}
    statuses: ClassVar[dict[str, int]] = {"create": 201, "destroy": 204}

    @property
    def actor(self) -> Actor:
        """Who calls, as the verbs want to know it."""
        return actor_of(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown_parameters(request, self.parameters())
        self.select()

    def get_serializer_class(self) -> Shape:
        return self.outputs.get(self.action) or super().get_serializer_class()

    def input(self, *, partial: bool = False) -> dict[str, Any]:
        """The body of the request, checked by the action's shape."""
        shape = self.inputs.get(self.action) or super().get_serializer_class()
        return _checked(shape(data=self.request.data, partial=partial, context=self.get_serializer_context()))

    def answer(self, instance: Any, *, headers: Mapping[str, str] | None = None) -> Response:
        """One record, in the action's shape and with its status."""
        status = self.statuses.get(self.action, 200)
        data = self.get_serializer(instance).data
        tag = {"ETag": answer_tag(instance, dump_json(data))} if self.shows_record(self.action) else {}
        return Response(data, status=status, headers={**tag, **(headers or {})})

    @classmethod
    def shows_record(cls, action: str) -> bool:
        """Whether an action answers with the record of its path, as reading it does."""
        return cls.statuses.get(action) != 204 and cls.outputs.get(action) in (
            None,
            cls.outputs.get("retrieve"),
        )


class Creates:
    """POST on the list. The viewset's `perform_create` calls the verb and returns the record."""

    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = self.perform_create(self.input())
        response: Response = self.answer(instance, headers={"Location": self.location(instance)})
        return response

    def location(self: Any, instance: Model) -> str:
        """Where the new record lives."""
        kwargs = {**self.kwargs, self.lookup_field: instance.pk}
        return reverse(f"{self.basename}-detail", kwargs=kwargs, request=self.request)


class Updates:
    """PATCH on a record. The viewset's `perform_update` calls the verb and returns the record."""

    def partial_update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = self.perform_update(self.get_object(), self.input(partial=True))
        response: Response = self.answer(instance)
        return response


class Deletes:
    """DELETE on a record. The viewset's `perform_destroy` calls the verb."""

    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.perform_destroy(self.get_object())
        return Response(status=204)


class Router(SimpleRouter):
    """Routes of viewsets; ids in paths are UUIDs, anything else is no such path."""

    def __init__(self) -> None:
        super().__init__(use_regex_path=False)


def _checked(serializer: BaseSerializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def refuse_unknown_parameters(request: Request, known: set[str]) -> None:
    """Refuse query parameters that would be ignored, and those that are given twice."""
    wrong = {name: _unknown(known) for name in request.query_params if name not in known}
    twice = [name for name, values in request.query_params.lists() if len(values) > 1 and name not in LISTED]
    wrong |= {name: _repeated() for name in twice}
    if wrong:
        raise InvalidQuery(wrong)


def _unknown(known: set[str]) -> list[ErrorDetail]:
    names = ", ".join(sorted(known)) or "none"
    return [ErrorDetail(f"There is no such parameter here. Parameters: {names}.", "unknown_parameter")]


def _repeated() -> list[ErrorDetail]:
    return [ErrorDetail("Send this parameter once.", "repeated_parameter")]
