"""How an order gets from one status to the next: its row locked, its move made by one conditional update."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from tenant_apps.orders.models import TRANSITIONS, Move, Order
from tenant_apps.products.writing import locked
from tenants.errors import Conflict


class MoveRefused(Conflict):
    code = "move_refused"
    title = "The order's status does not allow this"


def locked_for(order: Order, move: Move) -> Order:
    """The order as it is now, locked; refuses a move that it cannot make."""
    order = locked(order)
    if not order.can(move):
        raise refusal(order, move)
    return order


def advance(order: Order, move: Move, **values: Any) -> Order:
    """Make the move by one conditional update; of two at the same moment one finds no row."""
    transition = TRANSITIONS[move]
    if not transition.starts_from(order):
        raise refusal(order, move)
    values |= {
        "status": transition.target,
        **({transition.stamp: timezone.now()} if transition.stamp else {}),
    }
    return change(order, move, **values)


def change(order: Order, attempt: str, **values: Any) -> Order:
    """Write columns of an order that has still the status it was read with, or refuse the attempt."""
    values["updated_at"] = timezone.now()
    if Order.objects.filter(pk=order.pk, status=order.status).update(**values) != 1:
        raise refusal(locked(order), attempt)
    for field, value in values.items():
        setattr(order, field, value)
    return order


def refusal(order: Order, attempt: str) -> MoveRefused:
    """Say from where the attempt could be made, and what can be done instead."""
    ways = ", ".join(order.actions) or "nothing any more"
    return MoveRefused(
        f"{order} is {order.status}, so it cannot make the move {str(attempt)!r}. Possible now: {ways}.",
        order_status=order.status,
        move=str(attempt),
        possible=[action.value for action in order.actions],
    )
