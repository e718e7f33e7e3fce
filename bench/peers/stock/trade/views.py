"""Orders of the stock peer's API, with their lines in one request."""

from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from bench.peers.stock.trade.models import Order, OrderLine


class LineSerializer(serializers.ModelSerializer[OrderLine]):
    """A line; its price is the product's."""

    class Meta:
        model = OrderLine
        fields = ["id", "position", "product", "sku", "description", "quantity", "unit_price", "total"]
        read_only_fields = ["position", "sku", "description", "unit_price", "total"]


class OrderSerializer(serializers.ModelSerializer[Order]):
    """A draft with its lines."""

    lines = LineSerializer(many=True, source="orderline_set")

    class Meta:
        model = Order
        fields = "__all__"
        read_only_fields = ["number", "status", "total", "placed_at"]

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Order:
        """Write the order and its lines."""
        wanted = validated_data.pop("orderline_set")
        total = sum(line["product"].price * line["quantity"] for line in wanted)
        order = Order.objects.create(**validated_data, status="draft", total=total)
        OrderLine.objects.bulk_create(
            OrderLine(
                order=order,
                position=position,
                sku=line["product"].sku,
                description=line["product"].name,
                unit_price=line["product"].price,
                total=line["product"].price * line["quantity"],
                **line,
            )
            for position, line in enumerate(wanted, start=1)
        )
        return order


class OrderViewSet(ModelViewSet[Order]):
    """Orders."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
