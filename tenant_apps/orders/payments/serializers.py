"""Shapes of payments and refunds."""

from typing import Any

from tenant_apps.orders.models import Payment
from tenant_apps.orders.terms import HIGHEST_AMOUNT
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer, TenantSerializer


class PaymentSerializer(TenantModelSerializer):
    """Money that came in for an order or went back, in the order's currency."""

    class Meta:
        model = Payment
        fields: Any = (
            "id",
            "order",
            "kind",
            "status",
            "method",
            "amount",
            "reference",
            "reason",
            "settled_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = fields


class NewPaymentSerializer(TenantModelSerializer):
    """Money for an order. Without an amount it is all that is due; pending money counts when it has arrived."""

    amount = fields.MoneyField(max_digits=14, min_value=0, max_value=HIGHEST_AMOUNT, required=False)
    pending = fields.BooleanField(default=False, help_text="Whether it is still on its way.")

    class Meta:
        model = Payment
        fields = ("amount", "method", "reference", "reason", "pending")


class OutcomeSerializer(TenantSerializer):
    """What became of money on its way, in words."""

    reason = fields.TextField(required=False, allow_blank=True, max_length=500)
