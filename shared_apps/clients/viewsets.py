"""The API of the workspace's settings."""

from rest_framework.request import Request
from rest_framework.response import Response

from shared_apps.clients.serializers import WorkspaceChangesSerializer
from shared_apps.clients.services import as_tenant
from shared_apps.clients.workspace import change_workspace
from tenants.api.viewsets import TenantView
from tenants.audit.actors import actor_of
from tenants.context import current_tenant
from tenants.standing import Purpose
from tenants.users.serializers import WorkspaceSerializer


class WorkspaceView(TenantView):
    """Name, language, time zone and currency of the workspace."""

    verbs = {"get": "account:read", "patch": "workspace:manage"}
    # It says how the workspace stands: who may settle that reads it where nothing else is open.
    purposes = {"get": Purpose.BILLING}
    http_method_names = ["get", "head", "patch"]
    input_class = WorkspaceChangesSerializer
    output_class = WorkspaceSerializer

    def get(self, request: Request) -> Response:
        """The workspace that the credential belongs to."""
        return self.answer(current_tenant())

    def patch(self, request: Request) -> Response:
        """Change what is given; the currency only as long as nothing is priced in another one."""
        tenant = current_tenant()
        client = change_workspace(client_id=tenant.id, actor=actor_of(request), **self.input())
        return self.answer(as_tenant(client))
