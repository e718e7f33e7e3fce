"""Routes of the public host: the way in for new tenants, and the operators' admin."""

from django.urls import include, path

from tenants.users.jwks import jwks
from tenants.users.operators import operators

urlpatterns = [
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("api/", include("tenants.urls")),
    path("", include("shared_apps.clients.urls")),
    path("", include("shared_apps.inbox.urls")),
    path("admin/", operators.urls),
]
