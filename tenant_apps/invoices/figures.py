"""The figures of an order as documents say them: plain values that can be kept for ever."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tenant_apps.orders.models import Order

ZERO: Final = Decimal("0.00")


def figures_of(order: Order) -> dict[str, Any]:
    """Lines, discount, shipping, taxes and totals of an order, amounts as decimal text."""
    lines = [
        {
            "position": line.position,
            "sku": line.sku,
            "description": line.description,
            "quantity": line.quantity,
            "unit_price": str(line.unit_price),
            "amount": str(line.total),
            "discount": "0.00",
            "tax_rate": "0",
            "net": str(line.total),
            "tax": "0.00",
            "gross": str(line.total),
        }
        for line in order.lines.all()
    ]
    return {
        "lines": lines,
        "subtotal": str(order.total),
        "discount": "0.00",
        "discount_reason": "",
        "shipping": None,
        "prices_include_tax": False,
        "taxes": [{"rate": "0", "net": str(order.total), "tax": "0.00"}],
        "net": str(order.total),
        "tax": "0.00",
        "total": str(order.total),
    }
