"""Money of orders: taken in parts, on its way, failed, given back; edits and what they make due."""

from decimal import Decimal

import pytest

from tenant_apps.orders.editing import edit_order
from tenant_apps.orders.models import Order, Payment
from tenant_apps.orders.moves import MoveRefused
from tenant_apps.orders.payments.services import (
    PaymentSettled,
    RefundTooHigh,
    TooMuchPaid,
    pay_order,
    refund_order,
    settle_payment,
)
from tenant_apps.orders.services import EmptyOrder, cancel_order, fulfil_order
from tenant_apps.products.ledger import OutOfStock
from tenants.audit.models import AuditEntry
from tenants.errors import Invalid
from tests.orders.builders import a_paid_order, a_placed_order, lines
from tests.products.builders import CLERK, a_product

pytestmark = pytest.mark.usefixtures("inside")


def state(order: Order) -> tuple[str, ...]:
    """Statuses and sums as the database has them."""
    order.refresh_from_db()
    sums = (order.paid_total, order.refunded_total, order.due, order.refund_due)
    return (order.status, order.payment_status, *(str(amount) for amount in sums))


def pay(order: Order, amount: str | None = None, **terms) -> Order:
    return pay_order(actor=CLERK, order=order, amount=Decimal(amount) if amount else None, **terms)


def refund(order: Order, amount: str | None = None, **terms) -> Order:
    return refund_order(actor=CLERK, order=order, amount=Decimal(amount) if amount else None, **terms)


def test_an_order_is_paid_in_parts_and_moves_with_the_last_one():
    order = a_placed_order()
    pay(order, "5.00", method="cash", reference=" till 2 ")
    assert state(order) == ("placed", "partial", "5.00", "0.00", "14.00", "0.00")
    with pytest.raises(TooMuchPaid, match=r"at most 14\.00"):
        pay(order, "14.01")
    pay(order)
    assert state(order) == ("paid", "paid", "19.00", "0.00", "0.00", "0.00")
    found = order.payments.order_by("created_at").values_list("amount", "method", "reference", "status")
    assert list(found) == [
        (Decimal("5.00"), "cash", "till 2", "succeeded"),
        (Decimal("14.00"), "other", "", "succeeded"),
    ]
    told = AuditEntry.objects.about(order).values_list("verb", flat=True)
    assert list(told) == ["order.paid", "order.payment_received", "order.placed"]
    with pytest.raises(MoveRefused):
        pay(order, "1.00")


def test_money_on_its_way_counts_when_it_arrives_and_never_when_it_fails():
    order = a_placed_order()
    pay(order, "10.00", pending=True)
    assert state(order)[:3] == ("placed", "unpaid", "0.00")
    with pytest.raises(TooMuchPaid, match=r"at most 9\.00"):
        pay(order, "19.00")
    first = order.payments.get()
    settle_payment(actor=CLERK, payment=first, succeeded=False, reason="Card declined")
    assert state(order)[:3] == ("placed", "unpaid", "0.00")
    pay(order, pending=True)
    with pytest.raises(TooMuchPaid, match="on its way"):
        pay(order)
    settle_payment(actor=CLERK, payment=order.payments.pending().get(), succeeded=True)
    assert state(order)[:3] == ("paid", "paid", "19.00")
    with pytest.raises(PaymentSettled, match="failed already"):
        settle_payment(actor=CLERK, payment=first, succeeded=True)


def test_what_arrives_for_a_cancelled_order_is_owed_to_the_customer():
    order = a_placed_order()
    pay(order, pending=True)
    cancel_order(actor=CLERK, order=order)
    settle_payment(actor=CLERK, payment=order.payments.get(), succeeded=True)
    assert state(order) == ("cancelled", "paid", "19.00", "0.00", "0.00", "19.00")
    refund(order)
    assert state(order) == ("cancelled", "refunded", "19.00", "19.00", "0.00", "0.00")


def test_no_more_goes_back_than_came_in():
    order = fulfil_order(actor=CLERK, order=a_paid_order())
    with pytest.raises(Invalid, match="Say which amount"):
        refund(order)
    refund(order, "4.00", pending=True, reason="Dented")
    with pytest.raises(RefundTooHigh, match=r"by 15\.00 at most"):
        refund(order, "15.01")
    settle_payment(actor=CLERK, payment=order.payments.refunds().get(), succeeded=True)
    assert state(order) == ("fulfilled", "paid", "19.00", "4.00", "0.00", "0.00")
    refund(order, "15.00", pending=True)
    settle_payment(actor=CLERK, payment=order.payments.pending().get(), succeeded=False)
    refund(order, "15.00")
    assert state(order)[:4] == ("fulfilled", "refunded", "19.00", "19.00")
    kinds = Payment.objects.filter(order=order, status="succeeded").values_list("kind", "amount")
    assert sum(amount if kind == "payment" else -amount for kind, amount in kinds) == 0


def test_a_refund_before_anything_has_left_makes_the_order_wait_for_money_again():
    order = a_paid_order()
    refund(order, "4.00")
    assert state(order) == ("placed", "partial", "19.00", "4.00", "4.00", "0.00")
    assert order.paid_at is None
    assert state(pay(order))[:3] == ("paid", "paid", "23.00")


def test_an_edit_moves_stock_and_says_what_is_due_or_owed():
    mug, jug = a_product(opening_stock=10), a_product(price=Decimal(30), opening_stock=1)
    order = a_paid_order((mug, 2))
    line = order.lines.get().pk
    edit_order(actor=CLERK, order=order, lines=lines((mug, 3), (jug, 1)), shipping_total=Decimal(5))
    assert state(order) == ("placed", "partial", "19.00", "0.00", "44.50", "0.00")
    assert order.lines.all()[0].pk == line
    assert stock(mug) == 3
    assert stock(jug) == 1
    pay(order)
    edit_order(
        actor=CLERK, order=order, lines=lines((mug, 1)), discount_kind="percent", discount_value=Decimal(10)
    )
    assert state(order) == ("paid", "paid", "63.50", "0.00", "0.00", "49.95")
    assert (stock(mug), stock(jug)) == (1, 0)
    entry = AuditEntry.objects.about(order).first()
    assert entry is not None
    assert (entry.verb, entry.data["difference"], entry.data["refund_due"]) == (
        "order.edited",
        "-49.95",
        "49.95",
    )
    refund(order)
    assert state(order) == ("paid", "paid", "63.50", "49.95", "0.00", "0.00")


def stock(product) -> int:
    product.refresh_from_db()
    return int(product.reserved)


def test_an_edit_that_cannot_be_is_refused_whole():
    mug = a_product(opening_stock=3)
    order = a_placed_order((mug, 2))
    with pytest.raises(OutOfStock):
        edit_order(actor=CLERK, order=order, lines=lines((mug, 4)))
    with pytest.raises(EmptyOrder):
        edit_order(actor=CLERK, order=order, lines=[])
    gone = fulfil_order(actor=CLERK, order=a_paid_order())
    with pytest.raises(MoveRefused, match="'edit'"):
        edit_order(actor=CLERK, order=gone, lines=lines((mug, 1)))
    assert stock(mug) == 2
