"""Shapes of deliveries and returns."""

from typing import Any

from rest_framework import serializers

from tenant_apps.orders.fulfilments.services import Portion
from tenant_apps.orders.models import Fulfilment, FulfilmentLine
from tenant_apps.products.models import Location
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer

MOST_PORTIONS = 1_000


class FulfilmentLineSerializer(TenantModelSerializer):
    """How many of an order line left or came back."""

    order_line = fields.ReferenceField(source="line", read_only=True)

    class Meta:
        model = FulfilmentLine
        fields = ("order_line", "quantity")
        read_only_fields = fields


class FulfilmentSerializer(TenantModelSerializer):
    """Goods of an order that left together (`out`), or came back together (`return`)."""

    lines = FulfilmentLineSerializer(many=True, read_only=True)

    class Meta:
        model = Fulfilment
        fields: Any = (
            "id",
            "order",
            "direction",
            "location",
            "carrier",
            "tracking_number",
            "note",
            "restocked",
            "lines",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class ParcelSerializer(TenantModelSerializer):
    """What can be said of goods after they have left."""

    class Meta:
        model = Fulfilment
        fields: Any = ("carrier", "tracking_number", "note")


class PortionSerializer(TenantSerializer):
    """How many of one order line."""

    order_line = fields.IdField()
    quantity = fields.IntegerField(min_value=1, max_value=MOST_AT_ONCE)

    def to_internal_value(self, data: Any) -> Portion:
        values = super().to_internal_value(data)
        return Portion(line_id=values["order_line"], quantity=values["quantity"])


class NewFulfilmentSerializer(ParcelSerializer):
    """Goods that leave: these portions, or all that have not left."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=PortionSerializer(), required=False, max_length=MOST_PORTIONS
    )
    location = fields.ReferenceField(queryset=Location.objects.live(), required=False, allow_null=True)

    class Meta(ParcelSerializer.Meta):
        fields = (*ParcelSerializer.Meta.fields, "location", "lines")


class NewReturnSerializer(TenantSerializer):
    """Goods that come back: these portions, or all that have left."""

    lines: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=PortionSerializer(), required=False, max_length=MOST_PORTIONS
    )
    location = fields.ReferenceField(queryset=Location.objects.live(), required=False, allow_null=True)
    restock = fields.BooleanField(default=True, help_text="Whether they can be sold again.")
    note = fields.TextField(required=False, allow_blank=True, max_length=500)
