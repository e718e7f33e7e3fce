"""The events in the OpenAPI document: one entry of `webhooks` for each type, with the schema of its body."""

from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

from tenant_apps.webhooks.catalogue import CATALOGUE, TEST, EventType

Schema = dict[str, Any]
HEADERS: Final = {
    "webhook-id": "The id of the event: the same for every attempt and replay. Do the work once for each.",
    "webhook-timestamp": "When the attempt was made, in seconds since 1970.",
    "webhook-signature": "One or two signatures, divided by a space (Standard Webhooks 1.0).",
}


def describe_events(
    result: Schema, generator: SchemaGenerator, request: Request | None, public: bool
) -> Schema:
    """Add the events to the document."""
    result["webhooks"] = {kind.name: {"post": _operation(kind)} for kind in (*CATALOGUE.values(), TEST)}
    return result


def _operation(kind: EventType) -> Schema:
    return {
        "operationId": "webhook_" + kind.name.replace(".", "_"),
        "summary": kind.summary,
        "tags": ["webhooks"],
        "parameters": [_header(name, text) for name, text in HEADERS.items()],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body_schema(kind)}}},
        "responses": {
            "2XX": {"description": "Received. Everything else is tried again."},
            "410": {"description": "Gone: the endpoint is switched off."},
        },
    }


def body_schema(kind: EventType) -> Schema:
    """The schema of an event's body."""
    properties = {
        "type": {"type": "string", "const": kind.name},
        "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
        "data": {
            "type": "object",
            "required": ["details", "id", "object"],
            "properties": {
                "id": {"type": ["string", "null"], "format": "uuid"},
                "object": _object(kind),
                "details": {
                    "type": "object",
                    "description": "What was written down with the change, such as the fields that changed.",
                    "additionalProperties": True,
                },
            },
        },
    }
    return {"type": "object", "required": sorted(properties), "properties": properties}


def _object(kind: EventType) -> Schema:
    if kind.viewset is None:
        return {"type": "null"}
    name = kind.shape.__name__.removesuffix("Serializer")
    return {
        "description": "The record as the API shows it when the event is sent first; null if it is gone by then.",
        "oneOf": [{"$ref": f"#/components/schemas/{name}"}, {"type": "null"}],
    }


def _header(name: str, text: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": text,
        "schema": {"type": "string"},
    }
