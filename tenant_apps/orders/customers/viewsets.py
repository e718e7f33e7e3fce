"""The API of customers."""

from typing import Any

from tenant_apps.orders.customers.filters import CustomerFilters
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.serializers import CustomerSerializer
from tenant_apps.orders.customers.services import create_customer, update_customer
from tenants.api.viewsets import Creates, TenantViewSet, Updates


class CustomerViewSet(Creates, Updates, TenantViewSet):
    """People and companies that buy."""

    resource = "customers"
    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer
    filterset_class = CustomerFilters
    ordering_fields = ("created_at", "name", "updated_at")
    search_fields = ("name", "email", "reference")

    def perform_create(self, data: dict[str, Any]) -> Customer:
        """Create a customer."""
        return create_customer(actor=self.actor, **data)

    def perform_update(self, customer: Customer, data: dict[str, Any]) -> Customer:
        """Change what is given of a customer and keep the rest."""
        return update_customer(actor=self.actor, customer=customer, **data)
