"""Routes of the public host: the way in for new tenants, and the operators' admin."""

from django.urls import include, path

from shared_apps.clients.admin import operators

urlpatterns = [
    path("", include("shared_apps.clients.urls")),
    path("admin/", operators.urls),
]
