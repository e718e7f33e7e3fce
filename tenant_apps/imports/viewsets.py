"""The API of imports: a file comes in, a job with its progress goes out."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.imports.filters import ImportFilters
from tenant_apps.imports.models import Import
from tenant_apps.imports.reports import rejected_csv, report_name
from tenant_apps.imports.serializers import (
    ImportConfigurationSerializer,
    ImportSerializer,
    ImportUploadSerializer,
)
from tenant_apps.imports.services import (
    cancel_import,
    configure_import,
    delete_import,
    refuse_length,
    rehearse_import,
    resume_import,
    start_import,
    undo_import,
    upload_import,
)
from tenants.api.parsers import StrictJSONParser
from tenants.api.renderers import CSVRenderer, JSONRenderer
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates
from tenants.context import current_tenant, stream_in

MOVES: Final = ("start", "cancel", "resume", "rehearse", "undo")


@extend_schema_view(
    create=extend_schema(request={"multipart/form-data": ImportUploadSerializer}),
    partial_update=extend_schema(request={"application/json": ImportConfigurationSerializer}),
)
class ImportViewSet(Creates, Updates, Deletes, TenantViewSet):
    """Files of order lines, products or customers on their way into the shop."""

    resource = "imports"
    queryset = Import.objects.all()
    serializer_class = ImportSerializer
    statuses = {**TenantViewSet.statuses, **dict.fromkeys(("create", *MOVES), 202)}
    inputs = {
        "create": ImportUploadSerializer,
        "partial_update": ImportConfigurationSerializer,
        **dict.fromkeys(MOVES, NoInput),
    }
    parser_classes = [StrictJSONParser, MultiPartParser]
    filterset_class = ImportFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("file_name",)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_length(request.META.get("CONTENT_LENGTH"))

    def perform_create(self, data: dict[str, Any]) -> Import:
        """Upload a file and, unless `start` is false, import it in the background."""
        return upload_import(actor=self.actor, name=data["file"].name, **data)

    def perform_update(self, job: Import, data: dict[str, Any]) -> Import:
        """Say which column feeds which field, before the start."""
        return configure_import(actor=self.actor, job=job, **data)

    def perform_destroy(self, job: Import) -> None:
        """Forget an import with its file and report; the orders it made stay."""
        delete_import(actor=self.actor, job=job)

    @action(detail=True, methods=["post"])
    def start(self, request: Request, **path: UUID) -> Response:
        """Import a file that was uploaded without being started."""
        return self._move(start_import)

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **path: UUID) -> Response:
        """Stop within moments. What is imported stays; `resume` goes on from there."""
        return self._move(cancel_import)

    @action(detail=True, methods=["post"])
    def resume(self, request: Request, **path: UUID) -> Response:
        """Go on with a cancelled or failed import where it stopped."""
        return self._move(resume_import)

    @action(detail=True, methods=["post"])
    def rehearse(self, request: Request, **path: UUID) -> Response:
        """Go through a file that was not started: counts and rejected rows are told, nothing is imported."""
        return self._move(rehearse_import)

    @action(detail=True, methods=["post"])
    def undo(self, request: Request, **path: UUID) -> Response:
        """Take back what nobody has touched since; what stays is told among the rejected rows."""
        return self._move(undo_import)

    @extend_schema(responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The rejected rows.")})
    @action(detail=True, methods=["get"], renderer_classes=[CSVRenderer, JSONRenderer])
    def errors(self, request: Request, **path: UUID) -> StreamingHttpResponse:
        """The rows that were not imported, with line, reason, detail and their own columns, as CSV."""
        job = self.get_object()
        body = stream_in(current_tenant(), lambda: rejected_csv(job))
        disposition = f'attachment; filename="{report_name(job)}"'
        return StreamingHttpResponse(
            body,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": disposition},
        )

    def _move(self, verb: Callable[..., Import]) -> Response:
        job = self.get_object()
        self.input()
        return self.answer(verb(actor=self.actor, job=job))
