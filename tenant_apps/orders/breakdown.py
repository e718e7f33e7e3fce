"""What an order consists of in money, for documents, reports and pages. It reads; it never writes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from tenant_apps.orders.totals import ZERO

if TYPE_CHECKING:
    from tenant_apps.orders.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is charged: without tax (`net`), its tax, and with it (`gross`)."""

    net: Decimal
    tax_rate: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class LinePart(Part):
    """One line. `amount` is quantity times price, `discount` its share of the order's discount."""

    id: UUID
    position: int
    sku: str
    description: str
    quantity: int
    unit_price: Decimal
    amount: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class ShippingPart(Part):
    """What delivery costs."""

    description: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """All figures of one order, in its currency.

    `subtotal` and `discount` are as the prices are: with tax where `prices_include_tax`. `taxes` has one part for
    each rate. `net` and `tax` add up to `total`.
    """

    currency: str
    prices_include_tax: bool
    lines: list[LinePart]
    subtotal: Decimal
    discount: Decimal
    discount_reason: str
    shipping: ShippingPart | None
    taxes: list[Part]
    net: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal
    refunded: Decimal
    due: Decimal
    refund_due: Decimal


def break_down(order: Order) -> Breakdown:
    """The figures of an order; costs the query of its lines, or none where they are prefetched."""
    lines = [_line(line) for line in order.lines.all()]
    shipping = _shipping(order)
    return Breakdown(
        currency=order.currency,
        prices_include_tax=order.prices_include_tax,
        lines=lines,
        subtotal=order.line_total,
        discount=order.discount_total,
        discount_reason=order.discount_reason,
        shipping=shipping,
        taxes=_by_rate([*lines, *([shipping] if shipping else [])]),
        net=order.total - order.tax_total,
        tax=order.tax_total,
        total=order.total,
        paid=order.paid_total,
        refunded=order.refunded_total,
        due=order.due,
        refund_due=order.refund_due,
    )


def _line(line: OrderLine) -> LinePart:
    return LinePart(
        net=line.net,
        tax_rate=line.tax_rate,
        tax=line.tax,
        id=line.pk,
        position=line.position,
        sku=line.sku,
        description=line.description,
        quantity=line.quantity,
        unit_price=line.unit_price,
        amount=line.total,
        discount=line.discount,
    )


def _shipping(order: Order) -> ShippingPart | None:
    if not order.shipping_total and not order.shipping_description:
        return None
    included = order.shipping_tax if order.prices_include_tax else ZERO
    return ShippingPart(
        net=order.shipping_total - included,
        tax_rate=order.shipping_tax_rate,
        tax=order.shipping_tax,
        description=order.shipping_description,
    )


def _by_rate(parts: list[Part]) -> list[Part]:
    sums: dict[Decimal, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for part in parts:
        net, tax = sums[part.tax_rate]
        sums[part.tax_rate] = (net + part.net, tax + part.tax)
    return [Part(net, rate, tax) for rate, (net, tax) in sorted(sums.items())]
