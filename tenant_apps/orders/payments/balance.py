"""What payments and refunds make of an order: its sums, its payment status, and the moves they bring."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tenant_apps.orders.models import Move, Order
from tenant_apps.orders.moves import advance, change
from tenant_apps.orders.totals import ZERO

PaymentStatus = Order.PaymentStatus
# Once goods have left, giving money back does not make the order unpaid.
SETTLED: Final = frozenset({Order.Status.PAID, Order.Status.FULFILLED, Order.Status.CLOSED})


def rebalance(
    order: Order, attempt: str, *, paid: Decimal = ZERO, refunded: Decimal = ZERO, **values: Any
) -> Order:
    """Add to the locked order's sums, write other columns with them, and move it where the balance puts it.

    It is paid as soon as nothing is owed, and placed again when money is owed before anything has left.
    """
    paid_total, refunded_total = order.paid_total + paid, order.refunded_total + refunded
    is_covered = paid_total - refunded_total >= values.get("total", order.total)
    move = _move(order, is_covered)
    settled = is_covered or (order.status in SETTLED and move is None)
    values |= {
        "paid_total": paid_total,
        "refunded_total": refunded_total,
        "payment_status": payment_status(paid_total, refunded_total, is_settled=settled),
    }
    if move is None:
        return change(order, attempt, **values)
    return advance(order, move, **values, **({"paid_at": None} if move == Move.REOPEN else {}))


def _move(order: Order, is_covered: bool) -> Move | None:
    if order.status == Order.Status.PLACED and is_covered:
        return Move.PAY
    return Move.REOPEN if order.is_revisable and order.can(Move.REOPEN) and not is_covered else None


def payment_status(paid: Decimal, refunded: Decimal, *, is_settled: bool) -> PaymentStatus:
    """How far an order with these sums is paid."""
    if paid and paid == refunded:
        return PaymentStatus.REFUNDED
    if is_settled:
        return PaymentStatus.PAID
    return PaymentStatus.PARTIAL if paid else PaymentStatus.UNPAID
