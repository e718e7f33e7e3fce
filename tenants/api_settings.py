"""Settings of Django REST framework. Plain data: config/settings.py reads it while Django is not ready yet.

Permissions, filters and the like stand in modules of their own, because the framework's views import them.
"""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.users.authentication.TenantAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.access.HasVerb"],
    "DEFAULT_RENDERER_CLASSES": ["tenants.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "tenants.filters.DeclaredFilters",
        "tenants.filters.Search",
        "tenants.filters.Ordering",
    ],
    "DEFAULT_SCHEMA_CLASS": "tenants.schema.TenantSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "tenants.failures.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
