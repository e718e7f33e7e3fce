"""Settings of Django REST framework. Plain data: config/settings.py reads it while Django is not ready yet.

Permissions, filters and the like stand in modules of their own, because the framework's views import them.
"""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.users.authentication.TenantAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.api.access.HasVerb", "tenants.api.access.IsOpen"],
    "DEFAULT_THROTTLE_CLASSES": ["tenants.api.limits.ByPlan"],
    "DEFAULT_RENDERER_CLASSES": ["tenants.api.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["tenants.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tenants.api.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "tenants.api.filters.DeclaredFilters",
        "tenants.api.filters.Search",
        "tenants.api.filters.Ordering",
    ],
    "DEFAULT_SCHEMA_CLASS": "tenants.api.schema.TenantSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "tenants.api.failures.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
