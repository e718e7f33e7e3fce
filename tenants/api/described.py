"""What the OpenAPI document says of headers that every write takes and tells."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter

from tenants.api import conditional, idempotency
from tenants.api.deprecation import Deprecated
from tenants.api.idempotency import KEY, Repeatable

HEADER: Final = OpenApiParameter.HEADER
DONE: Final = [200, 201, 202]
IDEMPOTENCY_KEY: Final = OpenApiParameter(
    idempotency.HEADER,
    {"type": "string", "pattern": f"^{KEY.pattern}$"},
    HEADER,
    description="A text of your own, such as a UUID. The same request with the same key within 24 hours is answered "
    "as it was the first time, and not done again.",
)
REPLAYED: Final = OpenApiParameter(
    idempotency.REPLAYED,
    {"type": "string", "enum": ["true"]},
    HEADER,
    response=DONE,
    description="This answer was given before.",
)
ETAG: Final = OpenApiParameter(
    "ETag", str, HEADER, response=DONE, description="Names the state that the record is in now."
)
LOCATION: Final = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri"},
    HEADER,
    response=[201, 202],
    description="Where to read it.",
)


def headers_of(view: Any, method: str) -> list[OpenApiParameter]:
    """The headers of one operation of a view."""
    action = getattr(view, "action", None)
    found = [IDEMPOTENCY_KEY, REPLAYED] if method == "POST" and isinstance(view, Repeatable) else []
    if action == "create":
        found.append(LOCATION)
    if action and view.shows_record(action) and method != "GET":
        found.append(ETAG)
    if action and view.detail and method in {"POST", "PATCH", "PUT", "DELETE"}:
        found.append(_if_match(required=action in view.requires_if_match))
    return found + _deprecation(view.deprecation_of(action or method.lower()))


def _if_match(*, required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        conditional.HEADER,
        str,
        HEADER,
        required=required,
        description="The ETag of the state that this is meant for; 412 when the record is in another one.",
    )


def _deprecation(declared: Deprecated | None) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, str, HEADER, response=True, description=DEPRECATION[name])
        for name in (declared.headers if declared else ())
    ]


DEPRECATION: Final = {
    "Deprecation": "Since when this should not be used (RFC 9745).",
    "Sunset": "When this will end (RFC 8594).",
    "Link": "What to use in its place.",
}
