"""The API of the what-if calculator."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from billing.what_if.history import compare
from billing.what_if.serializers import VolumesSerializer, WhatIfShape, told
from tenants.api.viewsets import TenantView
from tenants.context import current_tenant


class WhatIfView(TenantView):
    """The workspace's last twelve months, priced by every plan that is sold and by its own, with other volumes."""

    verbs = {"get": "billing:manage"}
    query_class = VolumesSerializer
    output_class = WhatIfShape

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What each plan would have cost; nothing is changed."""
        return self.answer(told(compare(current_tenant(), self.query())))
