"""The API of a tenant's domains."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from shared_apps.domains import services
from shared_apps.domains.filters import DomainFilters
from shared_apps.domains.models import Claim
from shared_apps.domains.serializers import DomainSerializer, NewDomainSerializer
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet
from tenants.context import current_tenant


class DomainViewSet(Creates, Deletes, TenantViewSet):
    """Names of the workspace's own. They are managed by people, never by API tokens."""

    verbs = dict.fromkeys(
        ("list", "retrieve", "create", "check", "primary", "step_down", "destroy"), "domains:manage"
    )
    queryset = Claim.objects.all()
    serializer_class = DomainSerializer
    inputs = {
        "create": NewDomainSerializer,
        "check": NoInput,
        "primary": NoInput,
        "step_down": NoInput,
    }
    statuses = {**TenantViewSet.statuses, "check": 202}
    filterset_class = DomainFilters
    ordering = ("domain",)
    ordering_fields = ("created_at", "domain", "updated_at")
    search_fields = ("domain",)

    def get_queryset(self) -> QuerySet[Claim]:
        return Claim.objects.of(current_tenant().id).select_related("held")

    def perform_create(self, data: dict[str, Any]) -> Claim:
        """Claim a name. The answer holds the DNS records that prove it and point it here."""
        return services.claim_domain(tenant_id=current_tenant().id, actor=self.actor, **data)

    def perform_destroy(self, claim: Claim) -> None:
        """Let a name go: it stops working at once, and is kept from others for a while."""
        services.release_domain(**self._which(claim), actor=self.actor)

    @action(detail=True, methods=["post"])
    def check(self, request: Request, **path: UUID) -> Response:
        """Have the name servers asked now; read the domain again after a few seconds."""
        claim = self.get_object()
        self.input()
        return self.answer(services.request_check(**self._which(claim)))

    @action(detail=True, methods=["post"])
    def primary(self, request: Request, **path: UUID) -> Response:
        """Make a verified name that points here the workspace's address; its other names redirect there."""
        claim = self.get_object()
        self.input()
        return self.answer(services.make_primary(**self._which(claim), actor=self.actor))

    @action(detail=True, methods=["post"], url_path="step-down")
    def step_down(self, request: Request, **path: UUID) -> Response:
        """Make the platform's address the primary one again; the name goes on to lead here."""
        claim = self.get_object()
        self.input()
        return self.answer(services.step_down(**self._which(claim), actor=self.actor))

    def _which(self, claim: Claim) -> dict[str, UUID]:
        return {"tenant_id": current_tenant().id, "claim_id": claim.pk}
