"""Orders of the stock peer's API, with their lines in one request."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.viewsets import ModelViewSet

from bench.peers.stock.trade.models import (
    AuditEntry,
    Fulfilment,
    Order,
    OrderLine,
    Payment,
    TaxRule,
    TaxSettings,
)

CENT = Decimal("0.01")


class LineSerializer(serializers.ModelSerializer[OrderLine]):
    """A line; its price is the product's."""

    net = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)
    gross = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)

    class Meta:
        model = OrderLine
        fields = [
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
        ]
        read_only_fields = [name for name in fields if name not in ("product", "quantity")]


class PaymentSerializer(serializers.ModelSerializer[Payment]):
    """A payment."""

    class Meta:
        model = Payment
        fields = "__all__"


class FulfilmentSerializer(serializers.ModelSerializer[Fulfilment]):
    """A delivery."""

    class Meta:
        model = Fulfilment
        fields = "__all__"


class OrderSerializer(serializers.ModelSerializer[Order]):
    """A draft with its lines, reckoned with tax, and told of in the audit log."""

    due = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)
    refund_due = serializers.DecimalField(max_digits=14, decimal_places=2, read_only=True)
    lines = LineSerializer(many=True, source="orderline_set")
    payments = PaymentSerializer(many=True, read_only=True)
    fulfilments = FulfilmentSerializer(many=True, read_only=True)

    class Meta:
        model = Order
        fields = "__all__"
        read_only_fields = [
            "number",
            "kind",
            "status",
            "payment_status",
            "fulfilment_status",
            "prices_include_tax",
            "discount_total",
            "shipping_tax_rate",
            "shipping_tax",
            "subtotal",
            "tax_total",
            "total",
            "paid_total",
            "refunded_total",
            "billing_address",
            "shipping_address",
            "source",
            "placed_at",
            "paid_at",
            "fulfilled_at",
            "closed_at",
            "cancelled_at",
        ]

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Order:
        """Write the order, its lines and the audit entry."""
        wanted = validated_data.pop("orderline_set")
        order = Order(**validated_data, status="draft")
        lines = _lines(order, wanted, _rules(order))
        order.subtotal = sum((line.total for line in lines), Decimal("0.00"))
        order.tax_total = sum((line.tax for line in lines), Decimal("0.00"))
        order.total = order.subtotal + (Decimal("0.00") if order.prices_include_tax else order.tax_total)
        order.save()
        OrderLine.objects.bulk_create(lines)
        AuditEntry.objects.create(
            actor=self.context["request"].user.email,
            verb="order.created",
            target_id=str(order.pk),
            data={"total": str(order.total), "lines": len(lines)},
        )
        return order


def _rules(order: Order) -> list[TaxRule]:
    """The tax rules of the order's place, today."""
    settings = TaxSettings.objects.first() or TaxSettings()
    order.prices_include_tax = settings.prices_include_tax
    order.tax_country = order.tax_country or settings.country
    places = ["", order.tax_country]
    return list(TaxRule.objects.filter(country__in=places, valid_from__lte=timezone.now().date()))


def _rate(rules: Sequence[TaxRule], tax_class: str) -> Decimal:
    fitting = [rule for rule in rules if rule.tax_class in ("", tax_class)]
    best = max(fitting, key=lambda rule: (rule.country, rule.tax_class, rule.valid_from), default=None)
    return best.rate if best else Decimal("0.000")


def _lines(order: Order, wanted: list[dict[str, Any]], rules: list[TaxRule]) -> list[OrderLine]:
    made = []
    for position, line in enumerate(wanted, start=1):
        product, total = line["product"], line["product"].price * line["quantity"]
        rate = _rate(rules, product.tax_class)
        whole = 100 + rate if order.prices_include_tax else Decimal(100)
        made.append(
            OrderLine(
                order=order,
                position=position,
                sku=product.sku,
                description=product.name,
                unit_price=product.price,
                total=total,
                tax_rate=rate,
                tax=(total * rate / whole).quantize(CENT, ROUND_HALF_UP),
                **line,
            )
        )
    return made


class OrderViewSet(ModelViewSet[Order]):
    """Orders."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
