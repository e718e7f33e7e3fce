"""From wanted products to lines with prices, discounts and taxes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.orders.taxes.finding import TaxRates, rates_for
from tenant_apps.orders.totals import Discount, Totals, reckon
from tenant_apps.products.ledger import refuse_unsellable
from tenant_apps.products.models import Product
from tenant_apps.products.writing import clean_quantity, rounded
from tenants.errors import Invalid
from tenants.models import uuid7

MOST_LINES: Final = 1_000
HIGHEST_TOTAL: Final = Decimal("999999999999.99")
SHIPPING_CLASS: Final = "shipping"
RECKONED: Final = (
    "prices_include_tax",
    "tax_country",
    "tax_region",
    "subtotal",
    "discount_total",
    "shipping_tax_rate",
    "shipping_tax",
    "tax_total",
    "total",
)


class EmptyOrder(Invalid):
    code = "empty_order"
    title = "The order has no lines"


class UnknownProduct(Invalid):
    code = "unknown_product"
    title = "A line names no product"


class CurrencyMismatch(Invalid):
    code = "currency_mismatch"
    title = "An order has one currency"


@dataclass(frozen=True, slots=True)
class LineInput:
    """One wanted position. The price is the product's at this moment."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """A product at the price that the order has it for, on a line that may be there already."""

    product: Product
    quantity: int
    price: Decimal
    line_id: UUID


def wanted_of(lines: Iterable[LineInput | OrderLine]) -> dict[UUID, int]:
    """How many of each product are wanted; several lines may have the same one."""
    wanted: Counter[UUID] = Counter()
    for line in lines:
        wanted[line.product_id] += line.quantity
    return wanted


def checked(lines: Sequence[LineInput]) -> Sequence[LineInput]:
    """Lines that are not too many, with quantities that make sense."""
    if len(lines) > MOST_LINES:
        raise Invalid(f"An order has at most {MOST_LINES} lines, not {len(lines)}. Split it.", field="lines")
    for line in lines:
        clean_quantity(line.quantity, field="lines")
    return lines


def items_of(
    order: Order,
    lines: Sequence[LineInput],
    *,
    known: Mapping[UUID, Product] = {},
    kept: Sequence[OrderLine] = (),
) -> list[Item]:
    """Lines at the products' present prices; what the order keeps stays at the price that it has.

    `known` spares the query for products that the caller has read.
    """
    prices = {line.product_id: line.unit_price for line in kept}
    ids: dict[UUID, list[UUID]] = defaultdict(list)
    for line in kept:
        ids[line.product_id].append(line.pk)
    products = _products_of(order, checked(lines), known, old=prices.keys())
    return [
        Item(
            product := products[line.product_id],
            line.quantity,
            prices.get(product.pk, product.price),
            ids[product.pk].pop(0) if ids[product.pk] else uuid7(),
        )
        for line in lines
    ]


def items_now(order: Order) -> list[Item]:
    """The lines that the order has, at their prices."""
    lines = order.lines.select_related("product")
    return [Item(line.product, line.quantity, line.unit_price, line.pk) for line in lines]


def price(order: Order, items: Sequence[Item]) -> list[OrderLine]:
    """Reckon the order anew: sets its amounts and returns its lines, which are not written yet."""
    rates = rates_for(order.customer, country=order.tax_country, region=order.tax_region)
    totals = _totals(order, items, rates)
    if totals.total > HIGHEST_TOTAL:
        raise Invalid(f"The total {totals.total} is more than an order can hold. Split it.", field="lines")
    if order.discount_kind == Order.DiscountKind.AMOUNT and order.discount_value > totals.subtotal and items:
        raise Invalid(
            f"The discount of {order.discount_value} is more than the lines cost, {totals.subtotal}. Give less.",
            field="discount_value",
        )
    _set_totals(order, totals, rates)
    lines = [_line(order, position, item, rates) for position, item in enumerate(items, start=1)]
    for line, discount, tax in zip(lines, totals.line_discounts, totals.line_taxes, strict=True):
        line.discount, line.tax = discount, tax
    return lines


def _totals(order: Order, items: Sequence[Item], rates: TaxRates) -> Totals:
    return reckon(
        [rounded(item.price * item.quantity) for item in items],
        [rates.rate(item.product.tax_class) for item in items],
        discount=Discount(order.discount_kind, order.discount_value),
        shipping=order.shipping_total,
        shipping_rate=rates.rate(SHIPPING_CLASS),
        prices_include_tax=rates.prices_include_tax,
    )


def _set_totals(order: Order, totals: Totals, rates: TaxRates) -> None:
    order.prices_include_tax = rates.prices_include_tax
    order.tax_country, order.tax_region = rates.country, rates.region
    order.subtotal, order.discount_total = totals.subtotal, totals.discount
    order.shipping_tax_rate, order.shipping_tax = rates.rate(SHIPPING_CLASS), totals.shipping_tax
    order.tax_total, order.total = totals.tax, totals.total


def _line(order: Order, position: int, item: Item, rates: TaxRates) -> OrderLine:
    return OrderLine(
        id=item.line_id,
        order=order,
        position=position,
        product=item.product,
        sku=item.product.sku,
        description=item.product.name,
        quantity=item.quantity,
        unit_price=item.price,
        total=rounded(item.price * item.quantity),
        tax_rate=rates.rate(item.product.tax_class),
    )


def _products_of(
    order: Order, lines: Sequence[LineInput], known: Mapping[UUID, Product], old: Iterable[UUID]
) -> dict[UUID, Product]:
    ids = {line.product_id for line in lines}
    products = {**known, **(Product.objects.in_bulk(ids - known.keys()) if ids - known.keys() else {})}
    if missing := sorted(str(product_id) for product_id in ids - products.keys()):
        raise UnknownProduct(f"No product has the id {', '.join(missing)}.", field="lines", ids=missing)
    refuse_unsellable(products[product_id] for product_id in ids - set(old))
    if other := [product for product in products.values() if product.currency != order.currency]:
        named = ", ".join(f"{product.sku} is priced in {product.currency}" for product in other)
        raise CurrencyMismatch(f"The order is in {order.currency}, but {named}.", field="lines")
    return products
