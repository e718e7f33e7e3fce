"""The verbs of money: take a payment, give money back, and say what became of money on its way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from tenant_apps.orders.models import Move, Order, Payment
from tenant_apps.orders.moves import locked_for, refusal
from tenant_apps.orders.payments.balance import rebalance
from tenant_apps.orders.terms import clean_amount
from tenant_apps.orders.totals import ZERO
from tenant_apps.products.writing import clean_choice, clean_line, locked
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid

Kind, Status = Payment.Kind, Payment.Status


class TooMuchPaid(Conflict):
    code = "too_much_paid"
    title = "The payment is more than what is due"


class RefundTooHigh(Conflict):
    code = "refund_too_high"
    title = "The refund is more than what was paid"


class PaymentSettled(Conflict):
    code = "payment_settled"
    title = "What became of this payment is known already"


class PaymentTerms(TypedDict, total=False):
    """How money goes from one to the other. Pending money counts only when it has arrived."""

    method: str
    reference: str
    reason: str
    pending: bool


@transaction.atomic
def pay_order(
    *, actor: Actor, order: Order, amount: Decimal | None = None, **terms: Unpack[PaymentTerms]
) -> Order:
    """Take a payment: all that is due, or a part of it. What covers the order makes it paid."""
    order = locked_for(order, Move.PAY)
    room = order.due - _pending(order, Kind.PAYMENT)
    amount = room if amount is None else clean_amount(amount, field="amount")
    if amount > room or (order.total and not amount):
        raise _too_much(order, room)
    payment = _write(order, Kind.PAYMENT, amount, terms) if amount else None
    if payment is None or not payment.is_pending:
        order = rebalance(order, Move.PAY, paid=amount)
    _record(actor, order, payment)
    return order


@transaction.atomic
def refund_order(
    *, actor: Actor, order: Order, amount: Decimal | None = None, **terms: Unpack[PaymentTerms]
) -> Order:
    """Give money back: what is owed to the customer, or the amount that is given, never more than was paid."""
    order = locked(order)
    pending = _pending(order, Kind.REFUND)
    amount = order.refund_due - pending if amount is None else clean_amount(amount, field="amount")
    if amount <= 0:
        raise Invalid("Nothing is owed to the customer. Say which amount to give back.", field="amount")
    room = order.balance - pending if order.is_refundable else ZERO
    if amount > room:
        raise RefundTooHigh(
            f"{order} can be refunded by {room} at most ({order.paid_total} paid, {order.refunded_total} given back, "
            f"{pending} on the way), not {amount}.",
            field="amount",
            refundable=str(room),
        )
    refund = _write(order, Kind.REFUND, amount, terms)
    if not refund.is_pending:
        order = rebalance(order, "refund", refunded=amount)
    _record(actor, order, refund)
    return order


@transaction.atomic
def settle_payment(*, actor: Actor, payment: Payment, succeeded: bool, reason: str = "") -> Payment:
    """Say what became of money on its way. What arrives counts even where it is no longer owed: it can go back."""
    order = locked(payment.order)
    now, status = timezone.now(), Status.SUCCEEDED if succeeded else Status.FAILED
    reason = clean_line(reason, field="reason", most=500, needed=False) or payment.reason
    values = {"status": status, "reason": reason, "settled_at": now, "updated_at": now}
    if Payment.objects.pending().filter(pk=payment.pk).update(**values) != 1:
        payment.refresh_from_db()
        raise PaymentSettled(
            f"This {payment.kind} has {payment.status} already.", payment_status=payment.status
        )
    for field, value in values.items():
        setattr(payment, field, value)
    sums = {"refunded" if payment.is_refund else "paid": payment.amount} if succeeded else {}
    payment.order = rebalance(order, "settle", **sums)
    _record(actor, payment.order, payment)
    return payment


def _pending(order: Order, kind: str) -> Decimal:
    """What of the order is on its way; call it with the order locked."""
    found = order.payments.pending().filter(kind=kind).aggregate(sum=Sum("amount"))["sum"]
    return found or ZERO


def _write(order: Order, kind: str, amount: Decimal, terms: PaymentTerms) -> Payment:
    pending = terms.get("pending", False)
    payment = Payment(
        order=order,
        kind=kind,
        amount=amount,
        status=Status.PENDING if pending else Status.SUCCEEDED,
        method=clean_choice(terms.get("method", Payment.Method.OTHER), Payment.Method, field="method"),
        reference=clean_line(terms.get("reference", ""), field="reference", most=100, needed=False),
        reason=clean_line(terms.get("reason", ""), field="reason", most=500, needed=False),
        settled_at=None if pending else timezone.now(),
    )
    payment.save(force_insert=True)
    return payment


def _too_much(order: Order, room: Decimal) -> Exception:
    if not room:
        return (
            refusal(order, Move.PAY)
            if not order.due
            else TooMuchPaid(
                f"All that is due for {order} is on its way. Settle the pending payment first.",
                due=str(order.due),
            )
        )
    return TooMuchPaid(
        f"A payment for {order} is above 0.00 and at most {room}, which is what is due. Note what was paid too much "
        "as a payment on account elsewhere, or edit the order first.",
        field="amount",
        due=str(order.due),
    )


VERBS: Final = {
    (Kind.PAYMENT, Status.PENDING): "order.payment_started",
    (Kind.PAYMENT, Status.SUCCEEDED): "order.payment_received",
    (Kind.PAYMENT, Status.FAILED): "order.payment_failed",
    (Kind.REFUND, Status.PENDING): "order.refund_started",
    (Kind.REFUND, Status.SUCCEEDED): "order.refunded",
    (Kind.REFUND, Status.FAILED): "order.refund_failed",
}


def _record(actor: Actor, order: Order, payment: Payment | None) -> None:
    verb = VERBS[Kind(payment.kind), Status(payment.status)] if payment else "order.payment_received"
    if verb == "order.payment_received" and order.status == Order.Status.PAID:
        verb = "order.paid"
    record(actor=actor, verb=verb, target=order, data={**_told(payment), **_sums(order)})


# The audit log cannot be changed, not even to forget a person: what somebody has typed stays out of it.


def _told(payment: Payment | None) -> dict[str, Any]:
    if payment is None:
        return {}
    return {
        "payment": str(payment.pk),
        "amount": str(payment.amount),
        "method": payment.method,
        "reason_given": bool(payment.reason),
    }


def _sums(order: Order) -> dict[str, str]:
    return {
        "total": str(order.total),
        "paid_total": str(order.paid_total),
        "refunded_total": str(order.refunded_total),
        "due": str(order.due),
        "currency": order.currency,
    }
