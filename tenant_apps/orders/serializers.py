"""Shapes of orders."""

from typing import Any

from rest_framework import serializers

from tenant_apps.orders.customers.serializers import PlacedAddressField
from tenant_apps.orders.fulfilments.serializers import FulfilmentSerializer
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.payments.serializers import PaymentSerializer
from tenant_apps.orders.pricing import MOST_LINES, LineInput
from tenant_apps.orders.terms import HIGHEST_AMOUNT, MOST_TAGS
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class LineSerializer(TenantModelSerializer):
    """A line of an order at the price of its moment, with its share of the order's discount and its tax."""

    net = fields.MoneyField(max_digits=14, read_only=True, help_text="After discount, without tax.")
    gross = fields.MoneyField(max_digits=14, read_only=True, help_text="After discount, with tax.")

    class Meta:
        model = OrderLine
        fields = (
            "id",
            "position",
            "product",
            "sku",
            "description",
            "quantity",
            "unit_price",
            "total",
            "discount",
            "tax_rate",
            "tax",
            "net",
            "gross",
        )
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
            "payment_status",
            "fulfilment_status",
            "customer",
            "currency",
            "discount_total",
            "shipping_total",
            "tax_total",
            "total",
            "paid_total",
            "refunded_total",
            "tags",
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
    """An order with its lines, its money and its goods."""

    subtotal = fields.MoneyField(
        source="line_total", max_digits=14, read_only=True, help_text="The lines before discount."
    )
    due = fields.MoneyField(max_digits=14, read_only=True, help_text="What has to be paid yet.")
    refund_due = fields.MoneyField(
        max_digits=14, read_only=True, help_text="What was paid beyond what the customer gets."
    )
    billing_address = PlacedAddressField()
    shipping_address = PlacedAddressField()
    lines = LineSerializer(many=True, read_only=True)
    payments = PaymentSerializer(many=True, read_only=True)
    fulfilments = FulfilmentSerializer(many=True, read_only=True, source="deliveries")

    class Meta(OrderSerializer.Meta):
        fields = (
            *OrderSerializer.Meta.fields,
            "prices_include_tax",
            "tax_country",
            "tax_region",
            "subtotal",
            "discount_kind",
            "discount_value",
            "discount_reason",
            "shipping_description",
            "shipping_tax_rate",
            "shipping_tax",
            "unshipped_total",
            "due",
            "refund_due",
            "billing_address",
            "shipping_address",
            "lines",
            "payments",
            "fulfilments",
        )
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


TERMS: Any = ("discount_kind", "discount_value", "discount_reason", "shipping_description", "shipping_total")
PLACED: Any = ("customer", "note", "tags", "external_reference", "tax_country", "tax_region", *TERMS)
LIMITS: Any = {
    "discount_value": {"min_value": 0, "max_value": HIGHEST_AMOUNT},
    "shipping_total": {"min_value": 0, "max_value": HIGHEST_AMOUNT},
    "tax_country": {"help_text": "Two letters (ISO 3166-1); the customer's place when it is empty."},
    "tags": {"max_length": MOST_TAGS},
}


class DraftChangesSerializer(TenantModelSerializer):
    """What of an order may change: note, tags and external reference at any time, the rest on drafts."""

    class Meta:
        model = Order
        fields: Any = PLACED
        extra_kwargs = LIMITS


class NewOrderSerializer(TenantModelSerializer):
    """An order to be written down, and placed at once where `place` is true."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LineInputSerializer(), default=list, max_length=MOST_LINES
    )
    place = fields.BooleanField(default=False, help_text="Place the order at once, or write nothing.")

    class Meta:
        model = Order
        fields = (*PLACED, "lines", "place")
        extra_kwargs = LIMITS


class EditSerializer(TenantModelSerializer):
    """What of a placed order is edited; lines that are given replace all that it has."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=LineInputSerializer(), required=False, max_length=MOST_LINES
    )

    class Meta:
        model = Order
        fields = (*TERMS, "lines")
        extra_kwargs = LIMITS


class CloseShortSerializer(TenantSerializer):
    """Why the rest of an order does not leave."""

    note = fields.TextField(
        required=False, allow_blank=True, max_length=500, help_text="It is added to the order's note."
    )


class CancellationSerializer(CloseShortSerializer):
    """Why an order is called off, and whether goods that have left come back into stock."""

    restock = fields.BooleanField(required=False, default=False)
