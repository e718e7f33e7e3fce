"""Whatever is done, the ledger adds up to the stock, and what is reserved to the open orders."""

from contextlib import suppress
from typing import Any

from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenant_apps.orders.models import Move, Order, OrderLine
from tenant_apps.orders.services import (
    cancel_order,
    close_order,
    create_draft,
    fulfil_order,
    pay_order,
    place_order,
)
from tenant_apps.products.models import Product, StockMovement
from tenant_apps.products.services import adjust_stock, receive_stock
from tenants.context import Tenant, Unit
from tenants.errors import DomainError
from tests.orders.builders import lines
from tests.products.builders import CLERK, a_product, a_service

MOVES: dict[str, Any] = {
    Move.PLACE: place_order,
    Move.PAY: pay_order,
    Move.FULFIL: fulfil_order,
    Move.CLOSE: close_order,
    Move.CANCEL: cancel_order,
}
which = st.integers(0, 2)
quantities = st.integers(1, 6)
steps = st.one_of(
    st.tuples(st.just("receive"), which, quantities),
    st.tuples(st.just("count"), which, st.integers(0, 12)),
    st.tuples(st.just("shift"), which, st.integers(-6, 6)),
    st.tuples(st.just("draft"), st.lists(st.tuples(which, quantities), max_size=3)),
    st.tuples(st.sampled_from(list(MOVES)), st.integers(0, 5)),
)


class Shop:
    """Two goods and a service, and the orders of one run."""

    def __init__(self) -> None:
        self.products = [a_product(), a_product(), a_service()]
        self.orders: list[Order] = []

    def do(self, step: tuple[Any, ...]) -> None:
        """One step; a refusal must leave everything as it was, so it is simply gone on from."""
        with suppress(DomainError):
            self._do(*step)

    def _do(self, what: str, first: Any, number: int = 0) -> None:
        if what == "receive":
            receive_stock(actor=CLERK, product=self.products[first], quantity=number)
        elif what == "count":
            adjust_stock(actor=CLERK, product=self.products[first], note="counted", counted=number)
        elif what == "shift":
            adjust_stock(actor=CLERK, product=self.products[first], note="found", delta=number)
        elif what == "draft":
            wanted = lines(*((self.products[index], quantity) for index, quantity in first))
            self.orders.append(create_draft(actor=CLERK, lines=wanted))
        elif self.orders:
            MOVES[what](actor=CLERK, order=self.orders[first % len(self.orders)])


def check_books() -> None:
    """The ledger, the stock columns and the open orders tell the same story."""
    moved = StockMovement.objects.order_by().values_list("product")
    written = {key: sums for key, *sums in moved.annotate(Sum("on_hand_change"), Sum("reserved_change"))}
    held = OrderLine.objects.filter(order__in=Order.objects.open()).order_by().values_list("product")
    promised = dict(held.annotate(Sum("quantity")))
    for product in Product.objects.all():
        assert written.get(product.pk, [0, 0]) == [product.on_hand, product.reserved]
        assert product.reserved == (promised.get(product.pk, 0) if product.is_stocked else 0)
        assert 0 <= product.reserved <= product.on_hand


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(story=st.lists(steps, min_size=1, max_size=25))
def test_the_books_add_up_after_any_story(acme: Tenant, story: list[tuple[Any, ...]]):
    unit = Unit(acme).enter()
    try:
        shop = Shop()
        for step in story:
            shop.do(step)
            check_books()
    finally:
        unit.leave(RolledBack())


class RolledBack(Exception):
    """Each story starts from an empty shop."""
