"""The API of deliveries and returns. They are made by the actions `fulfil` and `return` of their order."""

from typing import Any

from tenant_apps.orders.fulfilments.filters import FulfilmentFilters
from tenant_apps.orders.fulfilments.serializers import FulfilmentSerializer, ParcelSerializer
from tenant_apps.orders.fulfilments.services import update_parcel
from tenant_apps.orders.models import Fulfilment
from tenants.api.viewsets import TenantViewSet, Updates


class FulfilmentViewSet(Updates, TenantViewSet):
    """Deliveries and returns of all orders."""

    resource = "orders"
    queryset = Fulfilment.objects.prefetch_related("lines")
    serializer_class = FulfilmentSerializer
    inputs = {"partial_update": ParcelSerializer}
    filterset_class = FulfilmentFilters
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("tracking_number", "carrier")

    def perform_update(self, fulfilment: Fulfilment, data: dict[str, Any]) -> Fulfilment:
        """Name the carrier, the tracking number or a note after the goods have left."""
        return update_parcel(actor=self.actor, fulfilment=fulfilment, **data)
