"""Editing an order that was placed and has not left: other lines, discount or delivery, and what that makes due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Unpack
from uuid import UUID

from django.db import transaction

from tenant_apps.orders.models import Order
from tenant_apps.orders.moves import refusal
from tenant_apps.orders.payments.balance import rebalance
from tenant_apps.orders.pricing import RECKONED, EmptyOrder, LineInput, items_now, items_of, wanted_of
from tenant_apps.orders.services import rewrite
from tenant_apps.orders.terms import AmountTerms, apply_terms
from tenant_apps.products.ledger import hold_for_sale, hold_stock, release_stock, reserve_stock
from tenant_apps.products.writing import locked
from tenants.audit.actors import Actor
from tenants.audit.services import record


@transaction.atomic
def edit_order(
    *, actor: Actor, order: Order, lines: Sequence[LineInput] | None = None, **terms: Unpack[AmountTerms]
) -> Order:
    """Change a placed order before anything has left. Products that stay keep their price; stock follows.

    A dearer order waits for payment again; of a cheaper one, what was paid too much is owed to the customer.
    """
    order = locked(order)
    if not order.is_revisable:
        raise refusal(order, "edit")
    before = order.total
    changed = apply_terms(order, terms)
    if lines is not None:
        changed += _change_lines(actor, order, lines)
    elif changed:
        rewrite(order, items_now(order))
    if changed:
        order = rebalance(order, "edit", **{name: getattr(order, name) for name in {*RECKONED, *terms}})
        record(actor=actor, verb="order.edited", target=order, data=_difference(order, before, changed))
    return order


def _change_lines(actor: Actor, order: Order, lines: Sequence[LineInput]) -> list[str]:
    if not lines:
        raise EmptyOrder("A placed order keeps at least one line. Cancel the order instead.", field="lines")
    kept = list(order.lines.all())
    items = items_of(order, lines, kept=kept)
    _move_stock(actor, order, wanted_of(kept), wanted_of(lines))
    rewrite(order, items)
    return ["lines"]


def _move_stock(actor: Actor, order: Order, before: Mapping[UUID, int], after: Mapping[UUID, int]) -> None:
    """Reserve what came to the order and release what went."""
    hold_stock({**before, **after})  # all at once, so that locks are taken in one order
    more = {product: count - before.get(product, 0) for product, count in after.items()}
    less = {product: count - after.get(product, 0) for product, count in before.items()}
    if gone := {product: count for product, count in less.items() if count > 0}:
        release_stock(actor=actor, held=hold_stock(gone), source=order.stock_source)
    if come := {product: count for product, count in more.items() if count > 0}:
        reserve_stock(actor=actor, held=hold_for_sale(come), source=order.stock_source)


def _difference(order: Order, before: Decimal, changed: list[str]) -> dict[str, Any]:
    return {
        "number": order.number,
        "changed": changed,
        "total_before": str(before),
        "total": str(order.total),
        "difference": str(order.total - before),
        "due": str(order.due),
        "refund_due": str(order.refund_due),
        "currency": order.currency,
    }
