"""The figures of an order as documents say them: plain values that can be kept for ever."""

from __future__ import annotations

from typing import Any

from tenant_apps.orders.breakdown import LinePart, Part, ShippingPart
from tenant_apps.orders.models import Order


def figures_of(order: Order) -> dict[str, Any]:
    """Lines, discount, shipping, taxes and totals of an order, amounts as decimal text."""
    found = order.breakdown()
    return {
        "lines": [_line(line) for line in found.lines],
        "subtotal": str(found.subtotal),
        "discount": str(found.discount),
        "discount_reason": found.discount_reason,
        "shipping": _shipping(found.shipping, prices_include_tax=found.prices_include_tax),
        "prices_include_tax": found.prices_include_tax,
        "taxes": [
            {"rate": str(tax.tax_rate), "net": str(tax.net), "tax": str(tax.tax)} for tax in found.taxes
        ],
        "net": str(found.net),
        "tax": str(found.tax),
        "total": str(found.total),
    }


def _line(line: LinePart) -> dict[str, Any]:
    return {
        "position": line.position,
        "sku": line.sku,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
        "amount": str(line.amount),
        "discount": str(line.discount),
        **_taxed(line),
    }


def _shipping(part: ShippingPart | None, *, prices_include_tax: bool) -> dict[str, Any] | None:
    if part is None:
        return None
    amount = part.gross if prices_include_tax else part.net
    return {"description": part.description, "amount": str(amount), **_taxed(part)}


def _taxed(part: Part) -> dict[str, str]:
    return {
        "tax_rate": str(part.tax_rate),
        "net": str(part.net),
        "tax": str(part.tax),
        "gross": str(part.gross),
    }
