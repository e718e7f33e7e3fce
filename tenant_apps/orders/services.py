"""The verbs of an order's life: written, changed, placed, closed, called off. Money and goods have their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from billing.entitlements import Limit, Reservation, reserve
from billing.usage.ledger import record_usage
from tenant_apps.orders.customers.addresses import snapshot_addresses
from tenant_apps.orders.errors import OrderInUse, ReferenceTaken
from tenant_apps.orders.fulfilments.services import (
    fulfil_order,
    price_unsent,
    progress_of,
    take_all_back,
    unsent,
)
from tenant_apps.orders.models import Move, Order, OrderLine
from tenant_apps.orders.moves import MoveRefused, advance, locked_for
from tenant_apps.orders.payments.services import pay_order
from tenant_apps.orders.pricing import (
    RECKONED,
    CurrencyMismatch,
    EmptyOrder,
    Item,
    LineInput,
    UnknownProduct,
    checked,
    items_now,
    items_of,
    price,
    wanted_of,
)
from tenant_apps.orders.terms import (
    ALWAYS,
    FOLLOWING,
    PRICED,
    AmountTerms,
    DraftChanges,
    DraftFields,
    apply_terms,
)
from tenant_apps.products.ledger import Held, hold_for_sale, hold_stock, release_stock, reserve_stock
from tenant_apps.products.writing import clean_line, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant

__all__ = [
    "CurrencyMismatch",
    "EmptyOrder",
    "LineInput",
    "MoveRefused",
    "UnknownProduct",
    "fulfil_order",
    "pay_order",
]

# Drafts


@transaction.atomic
def create_draft(*, actor: Actor, lines: Sequence[LineInput] = (), **fields: Unpack[DraftFields]) -> Order:
    """Write an order down without placing it: no number, no stock."""
    order = _new(fields)
    priced = price(order, items_of(order, lines))
    _insert(order, priced)
    record(actor=actor, verb="order.created", target=order, data=_summary(order, priced))
    return order


@transaction.atomic
def replace_lines(
    *, actor: Actor, order: Order, lines: Sequence[LineInput], **terms: Unpack[AmountTerms]
) -> Order:
    """Give a draft other lines, at the prices of this moment, and other discount or delivery where they are given."""
    order = _locked_draft(order)
    apply_terms(order, terms)
    written = rewrite(order, items_of(order, lines))
    order.save(update_fields=[*dict.fromkeys([*RECKONED, *terms, *FOLLOWING]), "updated_at"])
    record(actor=actor, verb="order.lines_replaced", target=order, data=_summary(order, written))
    return order


@transaction.atomic
def update_order(*, actor: Actor, order: Order, **changes: Unpack[DraftChanges]) -> Order:
    """Change what is named: notes, tags and reference at any time, the rest as long as it is a draft."""
    order = locked(order)
    if not order.is_editable and (barred := sorted(changes.keys() - ALWAYS)):
        raise _not_a_draft(order, f" {', '.join(barred)} cannot be changed like this any more.")
    if changed := apply_terms(order, changes):
        if PRICED & set(changed):
            rewrite(order, items_now(order))
        with refused_as(_reference_taken(order)):
            order.save(update_fields=[*dict.fromkeys([*changed, *RECKONED]), "updated_at"])
        record(actor=actor, verb="order.updated", target=order, data={"changed": changed})
    return order


@transaction.atomic
def discard_draft(*, actor: Actor, order: Order) -> None:
    """Delete a draft for good. What was placed is cancelled instead, and stays on record."""
    order = _locked_draft(order)
    record(actor=actor, verb="order.discarded", target=order, data={"total": str(order.total)})
    order.delete()


def rewrite(order: Order, items: Sequence[Item]) -> list[OrderLine]:
    """Reckon a locked order anew and write its lines; the order itself is the caller's to write."""
    lines = price(order, items)
    order.lines.all().delete()
    return OrderLine.objects.bulk_create(lines)


def _new(fields: DraftFields) -> Order:
    order = Order(currency=current_tenant().currency)
    apply_terms(order, {"source": Order.Source.API, **fields})
    return order


def _insert(order: Order, lines: Iterable[OrderLine]) -> None:
    with refused_as(_reference_taken(order)):
        order.save(force_insert=True)
    _remember(order, OrderLine.objects.bulk_create(lines))


def _remember(order: Order, lines: list[OrderLine]) -> None:
    """Spare whoever shows the new order the queries for what was just written, and for what cannot be there."""
    for name, rows in {"lines": lines, "payments": [], "fulfilments": []}.items():
        found = getattr(order, name).get_queryset()
        found._result_cache, found._prefetch_done = rows, True
        order.__dict__.setdefault("_prefetched_objects_cache", {})[name] = found


def _reference_taken(order: Order) -> ReferenceTaken:
    return ReferenceTaken(
        f"Another order has the external reference {order.external_reference!r}.", field="external_reference"
    )


def _locked_draft(order: Order) -> Order:
    order = locked(order)
    if not order.is_editable:
        raise _not_a_draft(order, "")
    return order


def _not_a_draft(order: Order, what: str) -> MoveRefused:
    way = "Edit the order" if order.is_revisable else "Cancel it and create another one"
    return MoveRefused(
        f"{order} is {order.status}; only drafts are changed.{what} {way}.", order_status=order.status
    )


def _summary(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    return {"total": str(order.total), "currency": order.currency, "lines": len(lines)}


# Moves


@transaction.atomic
def place_order(*, actor: Actor, order: Order) -> Order:
    """Make a draft binding: its stock is reserved, it gets its number, and the use is recorded."""
    order = locked_for(order, Move.PLACE)
    lines = list(order.lines.all())
    held, reserved = _hold(wanted_of(lines))
    order.number = take_numbers()[0]
    reserve_stock(actor=actor, held=held, source=order.stock_source)
    order = advance(order, Move.PLACE, number=order.number, **snapshot_addresses(order))
    _tell_placed(actor, order, lines, reserved)
    return order


@transaction.atomic
def create_and_place_order(
    *, actor: Actor, lines: Sequence[LineInput], **fields: Unpack[DraftFields]
) -> Order:
    """Write an order down and place it, or do neither; it never is a draft."""
    order = _new(fields)
    held, reserved = _hold(wanted_of(checked(lines)))
    priced = price(order, items_of(order, lines, known={item.product.pk: item.product for item in held}))
    for field, value in snapshot_addresses(order).items():
        setattr(order, field, value)
    order.status, order.placed_at = Order.Status.PLACED, timezone.now()
    order.number = take_numbers()[0]
    _insert(order, priced)
    reserve_stock(actor=actor, held=held, source=order.stock_source)
    _tell_placed(actor, order, priced, reserved)
    return order


@transaction.atomic
def close_order(*, actor: Actor, order: Order) -> Order:
    """End a fulfilled order: nothing is to be done any more."""
    order = advance(locked_for(order, Move.CLOSE), Move.CLOSE)
    record(actor=actor, verb="order.closed", target=order)
    return order


@transaction.atomic
def close_short(*, actor: Actor, order: Order, note: str = "") -> Order:
    """End an order of which only a part has left: the rest can be sold again, and its price is owed to the customer.

    The delivery was made, so what it cost stays; `refund_due` says what to give back.
    """
    order = locked_for(order, Move.CLOSE_SHORT)
    progress = progress_of(order)
    left_out = unsent(progress)
    release_stock(actor=actor, held=hold_stock(left_out), source=order.stock_source)
    noted = _with_note(order, note, "Closed without the rest")
    order = advance(order, Move.CLOSE_SHORT, unshipped_total=price_unsent(progress), **noted)
    record(actor=actor, verb="order.closed", target=order, data=_shortage(order, left_out))
    return order


@transaction.atomic
def cancel_order(*, actor: Actor, order: Order, note: str = "", restock: bool = False) -> Order:
    """Call an order off: what it had reserved can be sold again, and what was paid is to be given back.

    Goods that have left already come back into stock where `restock` says so. The note goes to the order's own.
    """
    order = locked_for(order, Move.CANCEL)
    noted = _with_note(order, note, "Cancelled")
    if order.holds_stock:
        progress = progress_of(order)
        release_stock(actor=actor, held=hold_stock(unsent(progress)), source=order.stock_source)
        if restock:
            take_all_back(actor, order, progress, note=note)
    order = advance(order, Move.CANCEL, **noted)
    data = {"number": order.number, "note_given": bool(noted), "refund_due": str(order.refund_due)}
    record(actor=actor, verb="order.cancelled", target=order, data=data)
    return order


@transaction.atomic
def withdraw_order(*, actor: Actor, order: Order) -> None:
    """Remove an imported order that nothing has been done with. Its number is not given again."""
    order = locked(order)
    if order.source != Order.Source.IMPORT or order.payments.exists() or order.fulfilments.exists():
        raise _in_use(order)
    data = {"number": order.number, "external_reference": order.external_reference}
    record(actor=actor, verb="order.import_undone", target=order, data=data)
    try:
        with transaction.atomic():
            order.delete()
    except (ProtectedError, IntegrityError) as error:
        raise _in_use(order) from error


def _in_use(order: Order) -> OrderInUse:
    name = order.external_reference or str(order)
    return OrderInUse(f"{name} is in use: an invoice, a payment or a delivery belongs to it.")


def _with_note(order: Order, note: str, what: str) -> dict[str, str]:
    """The order's own note with one more line: unlike the audit log it can be emptied when a person is forgotten."""
    line = clean_line(note, field="note", most=500, needed=False)
    return {"note": "\n".join(filter(None, [order.note, f"{what}: {line}"]))} if line else {}


def _shortage(order: Order, left_out: dict[UUID, int]) -> dict[str, Any]:
    return {
        "number": order.number,
        "pieces_left_out": sum(left_out.values()),
        "unshipped_total": str(order.unshipped_total),
        "refund_due": str(order.refund_due),
        "currency": order.currency,
    }


def take_numbers(*, count: int = 1) -> range:
    """The next order numbers. The counter stays locked until the commit, and a rollback gives them back."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_ordercounter SET last = last + %s RETURNING last", [count])
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError(
            "The row of orders_ordercounter is missing; the schema's seed rows were not written."
        )
    return range(row[0] - count + 1, row[0] + 1)


def _hold(wanted: dict[Any, int]) -> tuple[list[Held], Reservation]:
    """Lock the goods of an order to be placed, once the month's budget has room for it.

    The counter comes after this: it is the one lock that all orders share, and refused orders never take it.
    """
    if not wanted:
        raise EmptyOrder("An order without lines cannot be placed. Add at least one product.", field="lines")
    reserved = reserve(Limit.ORDERS_PER_MONTH)
    return hold_for_sale(wanted), reserved


def _tell_placed(actor: Actor, order: Order, lines: Sequence[OrderLine], reserved: Reservation) -> None:
    assert order.placed_at is not None
    key = f"orders_placed:{order.pk}"
    record_usage(meter="orders_placed", quantity=1, idempotency_key=key, at=order.placed_at, against=reserved)
    data = {"number": order.number, **_summary(order, lines)}
    record(actor=actor, verb="order.placed", target=order, data=data)
