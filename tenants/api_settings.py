"""Settings of the libraries below the API. Plain data: config/settings.py takes it over while Django is not ready yet."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.users.authentication.BearerAuthentication",
        "tenants.users.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.access.DeclaredVerb"],
    "DEFAULT_RENDERER_CLASSES": ["tenants.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "tenants.filters.DeclaredFilters",
        "tenants.filters.Search",
        "tenants.filters.Ordering",
    ],
    "DEFAULT_SCHEMA_CLASS": "tenants.openapi.TenantSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "tenants.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": False,
    "DATETIME_FORMAT": None,
    "UUID_FORMAT": "hex_verbose",
}

SIMPLE_JWT: dict[str, Any] = {
    "USER_ID_FIELD": "id",
    "USER_ID_CLAIM": "sub",
    "AUTH_TOKEN_CLASSES": ("tenants.users.tokens.AccessToken",),
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Rowhouse API",
    "VERSION": "1",
    "DESCRIPTION": (
        "Products, stock, customers and orders of one workspace, on the workspace's own host. "
        "Every error is an RFC 9457 problem; lists are read page by page with a cursor; money is a decimal string; "
        "times are RFC 3339 in UTC; ids are UUIDs that sort by time."
    ),
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tenants.openapi.describe_problems",
    ],
}
