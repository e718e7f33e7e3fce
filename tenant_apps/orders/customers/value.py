"""What a customer has been worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Max, Min, Q, Sum

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.models import Order
from tenant_apps.orders.payments.counting import given_back

ZERO = Decimal(0)


@dataclass(frozen=True)
class Value:
    """A customer's orders in one currency; cancelled ones do not count, credits and refunds are taken off."""

    currency: str
    orders: int
    sold: Decimal
    credited: Decimal
    refunded: Decimal
    first_order_at: datetime | None
    latest_order_at: datetime | None

    @property
    def total(self) -> Decimal:
        """What has come in for good."""
        return self.sold - self.credited - self.refunded

    @property
    def average(self) -> Decimal | None:
        """What an order brought on average."""
        return (self.sold / self.orders).quantize(Decimal("0.01")) if self.orders else None


@dataclass(frozen=True)
class Worth:
    """A customer's lifetime value, the greatest sum first."""

    by_currency: list[Value]


def worth_of(customer: Customer) -> Worth:
    """What the customer has bought so far, by currency."""
    sale = Q(kind=Order.Kind.SALE)
    rows = (
        Order.objects.placed()
        .filter(customer=customer)
        .exclude(status=Order.Status.CANCELLED)
        .order_by()
        .values_list("currency")
        .annotate(
            sales=Count("pk", filter=sale),
            sold=Sum("total", filter=sale),
            credited=Sum("total", filter=~sale),
            refunded=Sum(given_back()),
            first=Min("placed_at", filter=sale),
            latest=Max("placed_at", filter=sale),
        )
    )
    values = [
        Value(currency, orders, sold or ZERO, credited or ZERO, refunded or ZERO, first, latest)
        for currency, orders, sold, credited, refunded, first, latest in rows
    ]
    return Worth(sorted(values, key=lambda value: -value.total))
