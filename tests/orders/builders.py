"""Small makers of orders, for every test that needs something bought."""

from typing import Any

from tenant_apps.orders.models import Order
from tenant_apps.orders.services import LineInput, create_and_place_order, create_draft, pay_order
from tenant_apps.products.models import Product
from tests.products.builders import CLERK, a_product


def lines(*wanted: tuple[Product, int]) -> list[LineInput]:
    """Lines of an order, from products and quantities."""
    return [LineInput(product.pk, quantity) for product, quantity in wanted]


def a_draft(*wanted: tuple[Product, int], **fields: Any) -> Order:
    """A draft of what is wanted, or of two mugs."""
    return create_draft(actor=CLERK, lines=lines(*(wanted or [(a_product(opening_stock=10), 2)])), **fields)


def a_placed_order(*wanted: tuple[Product, int], **fields: Any) -> Order:
    """An order that holds stock and waits for its payment."""
    chosen = lines(*(wanted or [(a_product(opening_stock=10), 2)]))
    return create_and_place_order(actor=CLERK, lines=chosen, **fields)


def a_paid_order(*wanted: tuple[Product, int], **fields: Any) -> Order:
    """An order that waits for its goods to leave."""
    return pay_order(actor=CLERK, order=a_placed_order(*wanted, **fields))
