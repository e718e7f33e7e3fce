"""The API of what a workspace may use."""

from rest_framework.request import Request
from rest_framework.response import Response

from billing.entitlements import overview
from billing.limits.serializers import EntitlementsShape
from tenants.api.viewsets import TenantView
from tenants.context import current_tenant


class EntitlementsView(TenantView):
    """Limits and features."""

    verbs = {"get": "usage:read"}
    http_method_names = ["get", "head"]
    output_class = EntitlementsShape

    def get(self, request: Request) -> Response:
        """Every limit of the workspace with what is used of it, and every feature; operators may have changed both."""
        return self.answer(overview(current_tenant()))
