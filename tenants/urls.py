"""Where the API describes itself."""

from django.urls import path

from tenants.api.schema import SchemaView, docs

urlpatterns = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
]
