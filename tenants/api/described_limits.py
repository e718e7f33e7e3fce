"""What the OpenAPI document says of the limits of requests."""

from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

Schema = dict[str, Any]
HEADERS: Final[Schema] = {
    "RateLimit-Policy": {
        "description": "The limits: `q` requests in `w` seconds, of the workspace and of the credential.",
        "schema": {"type": "string", "examples": ['"tenant";q=3000;w=60, "credential";q=1500;w=60']},
    },
    "RateLimit": {
        "description": "How this caller stands: at least `r` requests are left, for `t` seconds.",
        "schema": {"type": "string", "examples": ['"tenant";r=2999;t=45, "credential";r=1499;t=45']},
    },
}
NOTICE: Final[Schema] = {
    "Limit-Notice": {
        "description": "More is used than a soft limit of the plan says: nothing is refused, but `hard` would be.",
        "schema": {"type": "string", "examples": ['"products";used=8001;soft=8000;hard=10000']},
    }
}
RETRY_AFTER: Final[Schema] = {
    "description": "With 429 and 503: in how many seconds to come back.",
    "schema": {"type": "integer"},
}


def describe_limits(
    result: Schema, generator: SchemaGenerator, request: Request | None, public: bool
) -> Schema:
    """Let every operation that needs a credential tell of its limits."""
    parts = result["components"]
    parts["headers"] = HEADERS | NOTICE
    told = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    for item in result["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values() if "security" in operation else ():
                if "$ref" not in response:
                    response["headers"] = {**response.get("headers", {}), **told}
    _describe_notices(result)
    parts["responses"]["Problem"]["headers"] = {**told, "Retry-After": RETRY_AFTER}
    return result


def _describe_notices(result: Schema) -> None:
    """Only what makes something can bring a workspace beyond a limit."""
    told = {name: {"$ref": f"#/components/headers/{name}"} for name in NOTICE}
    for operation in (item["post"] for item in result["paths"].values() if "post" in item):
        for response in operation["responses"].values() if "security" in operation else ():
            if "$ref" not in response:
                response["headers"] = {**response.get("headers", {}), **told}
