"""The one address that queries are sent to."""

import logging
from typing import Any

from graphql import GraphQLError
from rest_framework.request import Request
from rest_framework.response import Response

from billing.entitlements import Feature, require_feature
from tenant_apps.graphql.rights import Context
from tenant_apps.graphql.schema import schema
from tenant_apps.graphql.serializers import QuerySerializer, ResultSerializer
from tenants.api.viewsets import TenantView
from tenants.standing import Purpose

logger = logging.getLogger("rowhouse.graphql")


class GraphQLView(TenantView):
    """Reading by GraphQL, where the plan has it. The schema can be asked for by introspection."""

    verbs = {"post": "graphql:read"}
    purposes = {"post": Purpose.READ}
    input_class = QuerySerializer
    output_class = ResultSerializer

    def post(self, request: Request) -> Response:
        """Answer a query; nothing can be changed this way."""
        require_feature(Feature.GRAPHQL)
        asked = self.input()
        result = schema.execute_sync(
            asked["query"],
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
            context_value=Context(request.user),
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [_told(error) for error in result.errors]
        return Response(answer)


def _told(error: GraphQLError) -> dict[str, Any]:
    """What a caller is told; what nobody foresaw is logged and tells nothing."""
    cause = error.original_error
    if isinstance(cause, ValueError) and not str(cause).startswith("Argument"):
        message = "Invalid cursor: take one from the `pageInfo` of the same list."
        return dict(error.formatted) | {"message": message, "extensions": {"code": "invalid_cursor"}}
    if cause is not None and not isinstance(cause, GraphQLError | PermissionError | ValueError):
        logger.error("A GraphQL query failed at %s.", error.path, exc_info=cause)
        hidden = GraphQLError("Something went wrong on our side.", path=error.path, nodes=error.nodes)
        return dict(hidden.formatted) | {"extensions": {"code": "internal_error"}}
    return dict(error.formatted)
