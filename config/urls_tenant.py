"""Routes of a tenant's host: its portal and its API."""

from django.urls import include, path

from tenants.files import serve
from tenants.users.jwks import jwks

urlpatterns = [
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("files/<str:token>/", serve, name="file"),
    path("api/", include("tenants.urls")),
    path("api/v1/", include("tenants.api.urls")),
    path("api/v1/", include("tenants.users.urls")),
    path("api/v1/", include("shared_apps.clients.urls_tenant")),
    path("api/v1/", include("shared_apps.domains.urls")),
    path("api/v1/", include("billing.urls")),
    path("api/v1/", include("tenant_apps.products.urls")),
    path("api/v1/", include("tenant_apps.orders.urls")),
    path("api/v1/", include("tenant_apps.invoices.urls")),
    path("api/v1/", include("tenant_apps.imports.urls")),
    path("api/v1/", include("tenant_apps.graphql.urls")),
    path("api/v1/", include("tenant_apps.reports.urls")),
    path("api/v1/", include("tenant_apps.webhooks.urls")),
    # After the API, which else would be looked for among all these.
    path("", include("tenants.users.urls_portal")),
    path("", include("shared_apps.clients.urls_portal")),
    path("", include("shared_apps.domains.urls_portal")),
    path("", include("billing.urls_portal")),
    path("", include("tenant_apps.orders.urls_portal")),
    path("", include("tenant_apps.invoices.urls_portal")),
    path("", include("tenant_apps.products.urls_portal")),
    path("", include("tenant_apps.imports.urls_portal")),
    path("", include("tenant_apps.reports.urls_portal")),
    path("", include("tenant_apps.webhooks.urls_portal")),
]
