"""Shapes of orders."""

from typing import Any

from rest_framework import serializers

from tenant_apps.orders.customers.serializers import PlacedAddressField
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.services import MOST_LINES, LineInput
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class LineSerializer(TenantModelSerializer):
    """A line of an order at the price of its moment."""

    class Meta:
        model = OrderLine
        fields = ("id", "position", "product", "sku", "description", "quantity", "unit_price", "total")
        read_only_fields = fields


class OrderSerializer(TenantModelSerializer):
    """An order without its lines."""

    class Meta:
        model = Order
        fields: Any = (
            "id",
            "number",
            "kind",
            "status",
            "customer",
            "currency",
            "total",
            "note",
            "source",
            "external_reference",
            "placed_at",
            "paid_at",
            "fulfilled_at",
            "closed_at",
            "cancelled_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class OrderDetailSerializer(OrderSerializer):
    """An order with its lines."""

    billing_address = PlacedAddressField()
    shipping_address = PlacedAddressField()
    lines = LineSerializer(many=True, read_only=True)

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "billing_address", "shipping_address", "lines")
        read_only_fields = fields


class LineInputSerializer(TenantSerializer):
    """A wanted product; its price is the product's at this moment."""

    product = fields.IdField()
    quantity = fields.IntegerField(min_value=1, max_value=MOST_AT_ONCE)

    def to_internal_value(self, data: Any) -> LineInput:
        values = super().to_internal_value(data)
        return LineInput(product_id=values["product"], quantity=values["quantity"])


class LinesSerializer(TenantSerializer):
    """All lines of a draft, in their order."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LineInputSerializer(), max_length=MOST_LINES
    )


class NewOrderSerializer(TenantModelSerializer):
    """An order to be written down, and placed at once where `place` is true."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LineInputSerializer(), default=list, max_length=MOST_LINES
    )
    place = fields.BooleanField(default=False, help_text="Place the order at once, or write nothing.")

    class Meta:
        model = Order
        fields = ("customer", "note", "external_reference", "lines", "place")


class DraftChangesSerializer(TenantModelSerializer):
    """What of a draft may change besides its lines."""

    class Meta:
        model = Order
        fields = ("customer", "note", "external_reference")


class CancellationSerializer(TenantSerializer):
    """Why an order is called off."""

    note = fields.TextField(required=False, allow_blank=True, max_length=500)
