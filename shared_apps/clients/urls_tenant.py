"""The API route of the workspace."""

from django.urls import path

from shared_apps.clients.viewsets import WorkspaceView

urlpatterns = [path("workspace/", WorkspaceView.as_view(), name="workspace")]
