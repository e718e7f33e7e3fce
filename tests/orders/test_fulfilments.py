"""Goods of orders: sent in parts, taken back, called off half-way."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tenant_apps.orders.fulfilments.services import Portion, TooMany, return_goods, update_parcel
from tenant_apps.orders.models import Order
from tenant_apps.orders.moves import MoveRefused
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import cancel_order, close_short, fulfil_order
from tenant_apps.products.models import Product
from tenants.audit.models import AuditEntry
from tenants.errors import Invalid
from tests.orders.builders import a_paid_order, a_placed_order
from tests.products.builders import CLERK, a_product, a_service

pytestmark = pytest.mark.usefixtures("inside")


def stock(product: Product) -> tuple[int, int]:
    product.refresh_from_db()
    return product.on_hand, product.reserved


def of(order: Order, *quantities: int) -> list[Portion]:
    """So many of each line; none of those that are left out."""
    chosen = zip(order.lines.all(), quantities, strict=False)
    return [Portion(line.pk, quantity) for line, quantity in chosen if quantity]


def test_an_order_leaves_in_parcels_and_is_fulfilled_with_the_last():
    mug = a_product(opening_stock=10)
    order = a_paid_order((mug, 3), (a_service(), 1))
    order = fulfil_order(actor=CLERK, order=order, lines=of(order, 2), carrier="DHL", tracking_number="00340")
    assert (order.status, order.fulfilment_status, stock(mug)) == ("paid", "partial", (8, 1))
    with pytest.raises(TooMany, match="2 wanted, 1 left"):
        fulfil_order(actor=CLERK, order=order, lines=of(order, 2))
    order = fulfil_order(actor=CLERK, order=order)
    assert (order.status, order.fulfilment_status, stock(mug)) == ("fulfilled", "fulfilled", (7, 0))
    sent = [[line.quantity for line in parcel.lines.all()] for parcel in order.deliveries]
    assert sorted(sent) == [[1, 1], [2]]
    parcel = update_parcel(actor=CLERK, fulfilment=order.deliveries[0], tracking_number="00341")
    assert parcel.tracking_number == "00341"
    verbs = list(AuditEntry.objects.about(order).values_list("verb", flat=True))
    assert verbs[:3] == ["order.parcel_updated", "order.fulfilled", "order.partly_fulfilled"]


def test_goods_come_back_no_more_than_left_and_only_some_can_be_sold_again():
    mug = a_product(opening_stock=5)
    order = fulfil_order(actor=CLERK, order=a_paid_order((mug, 3)))
    order = return_goods(actor=CLERK, order=order, lines=of(order, 1), restock=False, note="Broken")
    assert (order.fulfilment_status, stock(mug)) == ("fulfilled", (2, 0))
    with pytest.raises(TooMany):
        return_goods(actor=CLERK, order=order, lines=of(order, 3))
    order = return_goods(actor=CLERK, order=order)
    assert (order.status, order.fulfilment_status, stock(mug)) == ("fulfilled", "returned", (4, 0))
    with pytest.raises(MoveRefused, match="'return'"):
        return_goods(actor=CLERK, order=order)


def test_an_order_called_off_half_way_releases_the_rest_and_restocks_what_left():
    mug = a_product(opening_stock=5)
    order = a_paid_order((mug, 3))
    fulfil_order(actor=CLERK, order=order, lines=of(order, 2))
    order = cancel_order(actor=CLERK, order=order, note="Too late", restock=True)
    assert (order.status, stock(mug), order.refund_due) == ("cancelled", (5, 0), order.total)


def test_an_order_is_closed_without_what_never_leaves():
    mug, jug = a_product(price=Decimal(10), opening_stock=5), a_product(price=Decimal(7), opening_stock=5)
    terms: Any = {"discount_kind": "percent", "discount_value": Decimal(10), "shipping_total": Decimal(4)}
    order = a_paid_order((mug, 3), (jug, 1), **terms)
    with pytest.raises(MoveRefused, match="'close_short'"):
        close_short(actor=CLERK, order=order)
    fulfil_order(actor=CLERK, order=order, lines=of(order, 2))
    order = close_short(actor=CLERK, order=order, note="Sold out")
    order.refresh_from_db()
    # A mug and a jug less the discount; what the delivery cost stays.
    owed = Decimal("15.30")
    assert (order.status, order.unshipped_total, order.refund_due) == ("closed", owed, owed)
    assert (order.fulfilment_status, order.note, stock(mug), stock(jug)) == (
        "partial",
        "Closed without the rest: Sold out",
        (3, 0),
        (5, 0),
    )
    entry = AuditEntry.objects.about(order).first()
    assert entry is not None
    assert (entry.verb, entry.data["pieces_left_out"], entry.data["refund_due"]) == (
        "order.closed",
        2,
        "15.30",
    )
    order = refund_order(actor=CLERK, order=order)
    assert (order.refunded_total, order.refund_due, order.payment_status) == (owed, Decimal(0), "paid")
    with pytest.raises(MoveRefused):
        fulfil_order(actor=CLERK, order=order)
    assert return_goods(actor=CLERK, order=order, lines=of(order, 1)).status == "closed"


def test_portions_that_make_no_sense_are_refused_in_words():
    order = a_paid_order()
    with pytest.raises(Invalid, match="no line with the id"):
        fulfil_order(actor=CLERK, order=order, lines=[Portion(uuid4(), 1)])
    with pytest.raises(Invalid, match="Nothing was chosen"):
        fulfil_order(actor=CLERK, order=order, lines=[])
    with pytest.raises(MoveRefused, match="'fulfil'"):
        fulfil_order(actor=CLERK, order=a_placed_order())
