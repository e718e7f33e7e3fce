"""Shapes of customers."""

from tenant_apps.orders.customers.models import Customer
from tenants.api.serializers import TenantModelSerializer


class CustomerSerializer(TenantModelSerializer):
    """A customer; `reference` is the id by which another system knows them."""

    class Meta:
        model = Customer
        fields = ("id", "reference", "name", "email", "phone", "country", "note", "created_at", "updated_at")
