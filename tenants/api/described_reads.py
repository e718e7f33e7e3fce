"""What the OpenAPI document says of reads: conditions, selections, and the shapes that these may leave."""

from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from tenants.api.reading import READS
from tenants.api.selection import selection_parameters
from tenants.api.serializers import TenantSerializer
from tenants.exporting import EXPORT, FORMATS, Sheet

Schema = dict[str, Any]
NOTE: Final = "x-expansions"
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="Tags of answers that the caller has; 304 when one of them is still right.",
)
ETAG: Final = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 304], description="Names this very answer."
)
KNOWN: Final = OpenApiResponse(description="What If-None-Match names is still what would be answered.")


def is_read(view: Any, method: str) -> bool:
    """Whether an operation lists or shows records."""
    return method == "GET" and getattr(view, "action", None) in READS


def is_export(view: Any) -> bool:
    """Whether an operation sends a list as a file."""
    return getattr(view, "action", None) == EXPORT


def parameters_of(view: Any) -> list[OpenApiParameter]:
    """What a read or an export takes and tells besides the list's own parameters."""
    if is_export(view):
        return export_parameters(view.sheets)
    shape = view.get_serializer_class()
    if not (isinstance(shape, type) and issubclass(shape, TenantSerializer)):
        return []
    names = [name for name, _ in shape.readers()]
    chosen = [
        OpenApiParameter(part["name"], part["schema"], description=part["description"])
        for part in selection_parameters(names, view.expansions)
    ]
    return [*chosen, IF_NONE_MATCH, ETAG]


def export_parameters(sheets: tuple[Sheet, ...]) -> list[OpenApiParameter]:
    """What an export takes besides its list's filters, search and order."""
    formats, names = list(FORMATS), [sheet.name for sheet in sheets]
    told = [("format", formats, "How the file is written."), ("sheet", names, "Which rows and columns.")]
    return [
        OpenApiParameter(name, {"type": "string", "enum": words, "default": words[0]}, description=what)
        for name, words, what in told
    ]


def note_expansions(operation: Schema, auto_schema: Any) -> None:
    """Leave a note of the expansions that `describe_selections` takes up."""
    shapes = {name: expansion.shape for name, expansion in auto_schema.view.expansions.items()}
    operation[NOTE] = {
        name: auto_schema.resolve_serializer(shape, "response").ref for name, shape in shapes.items()
    }


def describe_selections(
    result: Schema, generator: SchemaGenerator, request: Request | None, public: bool
) -> Schema:
    """Let reads answer with the whole record or, where `fields` or `expand` is sent, with a selection of it."""
    shapes = result["components"]["schemas"]
    for item in result["paths"].values():
        operation = item.get("get", {})
        if (expansions := operation.pop(NOTE, None)) is not None:
            whole = _shown(shapes, operation["responses"]["200"]["content"]["application/json"]["schema"])
            if "$ref" in whole:
                part = _selection_component(shapes, whole["$ref"].rpartition("/")[2], expansions)
                either = [dict(whole), part]
                whole.clear()
                whole["anyOf"] = either
    return result


def _shown(shapes: Schema, schema: Schema) -> Schema:
    """Where an answer's schema names the shape of its record, or of those of its page."""
    name = schema.get("$ref", "").rpartition("/")[2]
    page = shapes[name]["properties"] if name else {}
    record: Schema = page["data"]["items"] if {"data", "next", "previous"} <= page.keys() else schema
    return record


def _selection_component(shapes: Schema, name: str, expansions: Schema) -> Schema:
    """The component of what `fields` and `expand` may leave of a record."""
    properties = dict(shapes[name]["properties"])
    for field, shape in expansions.items():
        properties[field] = {"anyOf": [properties[field], shape]}
    description = f"{name} with the fields and the related records that were asked for."
    shapes[f"{name}Selection"] = {"type": "object", "description": description, "properties": properties}
    return {"$ref": f"#/components/schemas/{name}Selection"}
