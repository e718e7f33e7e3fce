"""Queries answered by the schema, which is loaded with this."""

import ctypes.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from graphql import GraphQLError

logger = logging.getLogger("rowhouse.graphql")


@contextmanager
def _without_maps() -> Iterator[None]:
    """Let nobody look for GDAL: for each of its two dozen names the C compiler and the linker would be started."""
    find = ctypes.util.find_library
    ctypes.util.find_library = lambda name: None if name.lower().startswith("gdal") else find(name)
    try:
        yield
    finally:
        ctypes.util.find_library = find


with _without_maps():
    from tenant_apps.graphql.rights import Context
    from tenant_apps.graphql.schema import schema


def answer_of(asked: dict[str, Any], user: Any) -> dict[str, Any]:
    """What a query brings, and what went wrong with it."""
    result = schema.execute_sync(
        asked["query"],
        variable_values=asked.get("variables"),
        operation_name=asked.get("operationName"),
        context_value=Context(user),
    )
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_told(error) for error in result.errors]
    return answer


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
