"""The API of jobs."""

from typing import Any

from django.db.models import QuerySet

from tenants.api.filters import ChoiceFilter, TenantFilterSet
from tenants.api.models import Job
from tenants.api.shapes import JobDetailSerializer, JobSerializer
from tenants.api.viewsets import TenantViewSet
from tenants.users.permissions import VERBS, can


class JobFilters(TenantFilterSet):
    """Jobs by how far they are."""

    status = ChoiceFilter(choices=Job.Status.choices)


class JobViewSet(TenantViewSet):
    """Work that goes on after the request that asked for it."""

    resource = "jobs"
    queryset = Job.objects.all()
    serializer_class = JobDetailSerializer
    outputs = {"list": JobSerializer}
    filterset_class = JobFilters
    ordering = ("-id",)
    search_fields = ("kind",)
    ordering_fields = ("created_at", "updated_at")

    def get_queryset(self) -> QuerySet[Job]:
        """What was asked for may be long and is shown to nobody; what came of it is shown for one job only."""
        long = ("parameters", "result", "problem") if self.action == "list" else ("parameters",)
        return Job.objects.defer(*long)

    def get_object(self) -> Any:
        job = super().get_object()
        job.is_open = job.verb in VERBS and can(self.request.user, job.verb)
        return job
