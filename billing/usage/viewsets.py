"""The API of usage: figures, how the period stands, and the spend cap."""

from types import SimpleNamespace
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.limits.caps import cap_of, change_spend_cap
from billing.models import SpendCap
from billing.usage import serializers as shapes
from billing.usage.alerts import alerts_of
from billing.usage.figures import counted_at
from billing.usage.reports import meter_reports
from billing.usage.summaries import summary_of
from tenants.api.conditional import HEADER, refuse_stale
from tenants.api.etags import etag_of
from tenants.api.viewsets import TenantView
from tenants.audit.actors import actor_of
from tenants.context import current_tenant

IF_MATCH = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="The ETag of the cap as it was read."
)


class UsageView(TenantView):
    """What was used, in hours, days or months of UTC."""

    resource = "usage"
    query_class = shapes.UsageQuerySerializer
    output_class = shapes.UsageReportShape

    def get(self, request: Request) -> Response:
        """The figures of one meter or of all, and who it was where that is asked for and known."""
        asked = self.query()
        told = meter_reports(current_tenant().schema, **asked)
        about = {
            "begin": asked["begin"],
            "end": asked["end"],
            "group": asked["unit"],
            "counted_at": counted_at(),
        }
        return self.answer(SimpleNamespace(**about, meters=told))


class UsageSummaryView(TenantView):
    """How the billing period that runs stands."""

    resource = "usage"
    output_class = shapes.UsageSummaryShape

    def get(self, request: Request) -> Response:
        """What was used, what the plan says of it, what it costs, and what all that may become."""
        summary = summary_of(current_tenant(), timezone.now())
        parts = ("plan", "period", "counted_at", "is_trial", "meters", "cap", "cost")
        told = {part: getattr(summary, part) for part in parts}
        alerts = alerts_of(summary.tenant.schema, summary.period)
        return self.answer(SimpleNamespace(**told, alerts=alerts))


class SpendCapView(TenantView):
    """The most that the workspace wants to spend in a billing period."""

    verbs = {"get": "usage:read", "patch": "billing:manage"}
    http_method_names = ["get", "head", "patch"]
    input_class = shapes.SpendCapChangesSerializer
    output_class = shapes.SpendCapShape

    def get(self, request: Request) -> Response:
        """The cap, and whether it stops anything now."""
        return self._tagged(cap_of(current_tenant()))

    @extend_schema(parameters=[IF_MATCH])
    def patch(self, request: Request) -> Response:
        """Set, change or lift the cap; it counts at once. With If-Match only if nobody else has changed it."""
        changes: Any = self.input()
        cap = change_spend_cap(
            tenant=current_tenant(), actor=actor_of(request), unless=self._refuse_stale, **changes
        )
        return self._tagged(cap)

    def _refuse_stale(self, cap: SpendCap) -> None:
        if (header := self.request.headers.get(HEADER)) is not None:
            refuse_stale(header, cap)

    def _tagged(self, cap: SpendCap) -> Response:
        response = self.answer(cap)
        response["ETag"] = etag_of(cap)
        return response
