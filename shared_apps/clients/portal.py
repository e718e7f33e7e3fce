"""The settings page of the workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from shared_apps.clients.forms import WorkspaceForm
from shared_apps.clients.models import Client
from shared_apps.clients.workspace import change_workspace
from tenants.audit.actors import actor_of
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form

register_settings(Section("Workspace", "clients:workspace", "workspace:manage", order=5))


@portal("workspace:manage")
@require_http_methods(["GET", "POST"])
def workspace(request: PortalRequest) -> HttpResponse:
    """Name, language, time zone and currency."""
    client = Client.objects.get(pk=request.tenant.id)
    form = WorkspaceForm.of(client, posted(request))
    if form.is_valid():
        changes: Any = form.cleaned_data
        if attempt(form, lambda: change_workspace(client_id=client.pk, actor=actor_of(request), **changes)):
            return done(request, "clients:workspace", "The settings are saved.")
    return show_form(request, "clients/workspace.html", {"form": form})
