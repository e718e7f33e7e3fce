"""The API of webhooks."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.webhooks import services
from tenant_apps.webhooks.filters import DeliveryFilters, EndpointFilters
from tenant_apps.webhooks.models import Delivery, Endpoint
from tenant_apps.webhooks.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    EndpointSecretSerializer,
    EndpointSerializer,
    ReplayedSerializer,
    ReplaySerializer,
)
from tenants.api.serializers import NoInput
from tenants.api.viewsets import Creates, Deletes, TenantViewSet, Updates

VERB = "webhooks:manage"


class EndpointViewSet(Creates, Updates, Deletes, TenantViewSet):
    """Addresses that events are sent to. They are managed by people, never by API tokens."""

    verbs = dict.fromkeys(
        (
            *("list", "retrieve", "create", "partial_update", "destroy"),
            *("rotate_secret", "test", "pause", "resume", "replay"),
        ),
        VERB,
    )
    queryset = Endpoint.objects.all()
    serializer_class = EndpointSerializer
    inputs = {
        "replay": ReplaySerializer,
        **dict.fromkeys(("rotate_secret", "test", "pause", "resume"), NoInput),
    }
    outputs = {
        "create": EndpointSecretSerializer,
        "rotate_secret": EndpointSecretSerializer,
        "test": DeliverySerializer,
        "replay": ReplayedSerializer,
    }
    statuses = {**TenantViewSet.statuses, "test": 202, "replay": 202}
    filterset_class = EndpointFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("url", "description")

    def perform_create(self, data: dict[str, Any]) -> Endpoint:
        """Add an endpoint. The answer holds the secret, this once."""
        return _with_secret(services.create_endpoint(actor=self.actor, **data))

    def perform_update(self, endpoint: Endpoint, data: dict[str, Any]) -> Endpoint:
        """Change what is given of an endpoint and keep the rest."""
        return services.update_endpoint(actor=self.actor, endpoint=endpoint, **data)

    def perform_destroy(self, endpoint: Endpoint) -> None:
        """Forget an endpoint and its deliveries; what waits for it is not sent."""
        services.delete_endpoint(actor=self.actor, endpoint=endpoint)

    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, **path: UUID) -> Response:
        """Give the endpoint another secret. Both sign for a day; the answer holds the new one, this once."""
        endpoint = self.get_object()
        self.input()
        return self.answer(_with_secret(services.rotate_secret(actor=self.actor, endpoint=endpoint)))

    @action(detail=True, methods=["post"])
    def test(self, request: Request, **path: UUID) -> Response:
        """Send an event of the type webhook.test, at once and once; read the delivery a moment later."""
        endpoint = self.get_object()
        self.input()
        return self.answer(services.send_test(actor=self.actor, endpoint=endpoint))

    @action(detail=True, methods=["post"])
    def pause(self, request: Request, **path: UUID) -> Response:
        """Send nothing for now; events go on to be written down, and wait."""
        endpoint = self.get_object()
        self.input()
        return self.answer(services.pause_endpoint(actor=self.actor, endpoint=endpoint))

    @action(detail=True, methods=["post"])
    def resume(self, request: Request, **path: UUID) -> Response:
        """Send again to an endpoint that was paused or switched off."""
        endpoint = self.get_object()
        self.input()
        return self.answer(services.resume_endpoint(actor=self.actor, endpoint=endpoint))

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **path: UUID) -> Response:
        """Send the deliveries of a span of time again, under their old ids."""
        endpoint = self.get_object()
        count = services.replay_range(actor=self.actor, endpoint=endpoint, **self.input())
        return self.answer(SimpleNamespace(deliveries=count))


class DeliveryViewSet(TenantViewSet):
    """The log of deliveries; it reaches back 30 days."""

    verbs = dict.fromkeys(("list", "retrieve", "replay"), VERB)
    queryset = Delivery.objects.select_related("event")
    serializer_class = DeliveryDetailSerializer
    inputs = {"replay": NoInput}
    outputs = {"list": DeliverySerializer}
    statuses = {**TenantViewSet.statuses, "replay": 202}
    filterset_class = DeliveryFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("event__type",)

    def get_queryset(self) -> Any:
        rows = super().get_queryset()
        return rows.defer("attempts", "event__body", "event__details") if self.action == "list" else rows

    @action(detail=True, methods=["post"])
    def replay(self, request: Request, **path: UUID) -> Response:
        """Send a delivery that has ended again, under its old id."""
        delivery = self.get_object()
        self.input()
        return self.answer(services.replay_delivery(actor=self.actor, delivery=delivery))


def _with_secret(made: tuple[Endpoint, str]) -> Endpoint:
    endpoint, secret = made
    endpoint.shown_secret = secret  # type: ignore[attr-defined]  # for this one answer
    return endpoint
