"""Routes of the pages of imports."""

from django.urls import path

from tenant_apps.imports import portal

app_name = "imports"
urlpatterns = [
    path("imports/", portal.import_list, name="list"),
    path("imports/new/", portal.import_new, name="new"),
    path("imports/<uuid:pk>/", portal.import_detail, name="detail"),
    path("imports/<uuid:pk>/columns/", portal.import_configure, name="configure"),
    path("imports/<uuid:pk>/delete/", portal.import_delete, name="delete"),
    path("imports/<uuid:pk>/rejected/", portal.rejected_rows, name="rejected"),
    path("imports/<uuid:pk>/rejected.csv", portal.rejected_file, name="rejected_file"),
    path("imports/<uuid:pk>/<slug:move>/", portal.import_move, name="move"),
]
