"""Settings of the OpenAPI document. Plain data: config/settings.py reads it while Django is not ready yet."""

from typing import Any

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Rowhouse API",
    "VERSION": "1",
    "DESCRIPTION": (
        "Products, stock, customers and orders of one workspace, on the workspace's own host. "
        "Every error is an RFC 9457 problem; lists are read page by page with a cursor; "
        "money is a decimal string; times are RFC 3339 in UTC; ids are UUIDs that sort by time."
    ),
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "tenants.api.described_reads.describe_selections",
        "tenants.api.schema.describe_problems",
        "tenants.api.described_limits.describe_limits",
    ],
}

# What the public host's document says in another way.
PUBLIC_SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Rowhouse sign-up API",
    "DESCRIPTION": (
        "The public host of the platform: a new workspace is made here, and everything else is done on the workspace's "
        "own host, whose API describes itself at its own /api/schema/. Every error is an RFC 9457 problem."
    ),
    "POSTPROCESSING_HOOKS": [
        "tenants.api.schema.describe_problems",
        "tenants.api.described_limits.describe_limits",
    ],
}
