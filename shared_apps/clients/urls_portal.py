"""Routes of the settings page of the workspace."""

from django.urls import path

from shared_apps.clients import portal

app_name = "clients"
urlpatterns = [path("settings/workspace/", portal.workspace, name="workspace")]
