"""Every write to orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from billing.entitlements import Limit, require
from billing.usage import record_usage
from tenant_apps.orders.customers.addresses import snapshot_addresses
from tenant_apps.orders.customers.standing import buyer
from tenant_apps.orders.errors import ReferenceTaken
from tenant_apps.orders.models import TRANSITIONS, Customer, Move, Order, OrderLine
from tenant_apps.products.ledger import (
    hold_for_sale,
    hold_stock,
    refuse_unsellable,
    release_stock,
    reserve_stock,
    ship_stock,
)
from tenant_apps.products.models import Product
from tenant_apps.products.writing import (
    clean_choice,
    clean_line,
    clean_quantity,
    clean_text,
    locked,
    refused_as,
    rounded,
)
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Invalid

MOST_LINES: Final = 1_000
HIGHEST_TOTAL: Final = Decimal("999999999999.99")


class MoveRefused(Conflict):
    code = "move_refused"
    title = "The order's status does not allow this"


class EmptyOrder(Invalid):
    code = "empty_order"
    title = "The order has no lines"


class UnknownProduct(Invalid):
    code = "unknown_product"
    title = "A line names no product"


class CurrencyMismatch(Invalid):
    code = "currency_mismatch"
    title = "An order has one currency"


# Drafts


@dataclass(frozen=True, slots=True)
class LineInput:
    """One wanted position. The price is the product's at this moment."""

    product_id: UUID
    quantity: int


class DraftFields(TypedDict, total=False):
    """What an order says besides its lines."""

    customer: Customer | None
    note: str
    source: str
    external_reference: str | None


class DraftChanges(TypedDict, total=False):
    """What of a draft may change besides its lines."""

    customer: Customer | None
    note: str
    external_reference: str | None


@transaction.atomic
def create_draft(*, actor: Actor, lines: Sequence[LineInput] = (), **fields: Unpack[DraftFields]) -> Order:
    """Write an order down without placing it: no number, no stock."""
    return _write_draft(actor, lines, fields)


@transaction.atomic
def replace_lines(*, actor: Actor, order: Order, lines: Sequence[LineInput]) -> Order:
    """Give a draft other lines, at the prices of this moment."""
    order = _locked_draft(order)
    order.lines.all().delete()
    written = _write_lines(order, lines)
    order.save(update_fields=["total", "updated_at"])
    record(actor=actor, verb="order.lines_replaced", target=order, data=_summary(order, written))
    return order


@transaction.atomic
def update_draft(*, actor: Actor, order: Order, **changes: Unpack[DraftChanges]) -> Order:
    """Change a draft's customer, note or external reference; what is not named stays."""
    order = _locked_draft(order)
    changed = _change_draft(order, changes)
    if changed:
        with refused_as(_order_reference_taken(order)):
            order.save(update_fields=[*changed, "updated_at"])
        record(actor=actor, verb="order.updated", target=order, data={"changed": changed})
    return order


def _change_draft(order: Order, changes: DraftChanges) -> list[str]:
    clean: dict[str, Any] = dict(changes)
    if "customer" in changes:
        clean["customer"] = buyer(changes["customer"])
    if "note" in changes:
        clean["note"] = clean_text(changes["note"], field="note")
    if "external_reference" in changes:
        clean["external_reference"] = _clean_reference(changes["external_reference"])
    changed = [name for name, value in clean.items() if getattr(order, name) != value]
    for name in changed:
        setattr(order, name, clean[name])
    return changed


@transaction.atomic
def discard_draft(*, actor: Actor, order: Order) -> None:
    """Delete a draft for good. What was placed is cancelled instead, and stays on record."""
    order = _locked_draft(order)
    record(actor=actor, verb="order.discarded", target=order, data={"total": str(order.total)})
    order.delete()


def _write_draft(actor: Actor, lines: Sequence[LineInput], fields: DraftFields) -> Order:
    order = Order(
        customer=buyer(fields.get("customer")),
        note=clean_text(fields.get("note", ""), field="note"),
        source=clean_choice(fields.get("source", Order.Source.API), Order.Source, field="source"),
        external_reference=_clean_reference(fields.get("external_reference")),
        currency=current_tenant().currency,
    )
    priced = _price_lines(order, lines)
    with refused_as(_order_reference_taken(order)):
        order.save(force_insert=True)
    OrderLine.objects.bulk_create(priced)
    record(actor=actor, verb="order.created", target=order, data=_summary(order, priced))
    return order


def _order_reference_taken(order: Order) -> ReferenceTaken:
    return ReferenceTaken(
        f"Another order has the external reference {order.external_reference!r}.", field="external_reference"
    )


def _write_lines(order: Order, lines: Sequence[LineInput]) -> list[OrderLine]:
    return OrderLine.objects.bulk_create(_price_lines(order, lines))


def _clean_reference(reference: str | None) -> str | None:
    return clean_line(reference or "", field="external_reference", most=64, needed=False) or None


def _locked_draft(order: Order) -> Order:
    order = locked(order)
    if not order.is_editable:
        raise MoveRefused(
            f"{order} is {order.status}; only drafts are changed. Cancel it and create another one.",
            order_status=order.status,
        )
    return order


def _price_lines(order: Order, lines: Sequence[LineInput]) -> list[OrderLine]:
    """Lines at the products' present prices; sets the order's total.

    All arithmetic is decimal; an amount is rounded to cents with ROUND_HALF_UP, line by line.
    """
    if len(lines) > MOST_LINES:
        raise Invalid(f"An order has at most {MOST_LINES} lines, not {len(lines)}. Split it.", field="lines")
    products = _products_of(order, lines)
    priced = [
        _price_line(order, position, products[line.product_id], clean_quantity(line.quantity, field="lines"))
        for position, line in enumerate(lines, start=1)
    ]
    order.total = sum((line.total for line in priced), Decimal(0))
    if order.total > HIGHEST_TOTAL:
        raise Invalid(f"The total {order.total} is more than an order can hold. Split it.", field="lines")
    return priced


def _price_line(order: Order, position: int, product: Product, quantity: int) -> OrderLine:
    return OrderLine(
        order=order,
        position=position,
        product=product,
        sku=product.sku,
        description=product.name,
        quantity=quantity,
        unit_price=product.price,
        total=rounded(product.price * quantity),
    )


def _products_of(order: Order, lines: Sequence[LineInput]) -> dict[UUID, Product]:
    products = Product.objects.in_bulk({line.product_id for line in lines})
    if missing := sorted({str(line.product_id) for line in lines if line.product_id not in products}):
        raise UnknownProduct(f"No product has the id {', '.join(missing)}.", field="lines", ids=missing)
    refuse_unsellable(products.values())
    if other := [product for product in products.values() if product.currency != order.currency]:
        named = ", ".join(f"{product.sku} is priced in {product.currency}" for product in other)
        raise CurrencyMismatch(f"The order is in {order.currency}, but {named}.", field="lines")
    return products


def _summary(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    return {"total": str(order.total), "currency": order.currency, "lines": len(lines)}


# Moves


@transaction.atomic
def place_order(*, actor: Actor, order: Order) -> Order:
    """Make a draft binding: its stock is reserved, it gets its number, and the use is recorded."""
    return _place(actor, _locked_for(order, Move.PLACE))


@transaction.atomic
def create_and_place_order(
    *, actor: Actor, lines: Sequence[LineInput], **fields: Unpack[DraftFields]
) -> Order:
    """Write an order down and place it, or do neither."""
    return _place(actor, _write_draft(actor, lines, fields))


@transaction.atomic
def pay_order(*, actor: Actor, order: Order) -> Order:
    """Note that a placed order is paid."""
    order = _advance(_locked_for(order, Move.PAY), Move.PAY)
    record(actor=actor, verb="order.paid", target=order, data={"total": str(order.total)})
    return order


@transaction.atomic
def fulfil_order(*, actor: Actor, order: Order) -> Order:
    """Let the goods of a paid order leave the house."""
    order = _locked_for(order, Move.FULFIL)
    ship_stock(actor=actor, held=hold_stock(_wanted(order)), source=order.stock_source)
    order = _advance(order, Move.FULFIL)
    record(actor=actor, verb="order.fulfilled", target=order)
    return order


@transaction.atomic
def close_order(*, actor: Actor, order: Order) -> Order:
    """End a fulfilled order: nothing is to be done any more."""
    order = _advance(_locked_for(order, Move.CLOSE), Move.CLOSE)
    record(actor=actor, verb="order.closed", target=order)
    return order


@transaction.atomic
def cancel_order(*, actor: Actor, order: Order, note: str = "") -> Order:
    """Call an order off before its goods leave; what it had reserved can be sold again."""
    order = _locked_for(order, Move.CANCEL)
    note = clean_line(note, field="note", most=500, needed=False)
    if order.holds_stock:
        release_stock(actor=actor, held=hold_stock(_wanted(order)), source=order.stock_source)
    order = _advance(order, Move.CANCEL)
    record(actor=actor, verb="order.cancelled", target=order, data={"note": note})
    return order


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


def _place(actor: Actor, order: Order) -> Order:
    wanted = _wanted(order)
    if not wanted:
        raise EmptyOrder("An order without lines cannot be placed. Add at least one product.", field="lines")
    require(Limit.ORDERS_PER_MONTH, used=Order.objects.placed().this_month().taken_here().count)
    # The counter comes last: it is the one lock that all orders share, and refused orders never take it.
    held = hold_for_sale(wanted)
    order.number = take_numbers()[0]
    reserve_stock(actor=actor, held=held, source=order.stock_source)
    order = _advance(order, Move.PLACE, number=order.number, **snapshot_addresses(order))
    record_usage(meter="orders_placed", quantity=1, idempotency_key=f"orders_placed:{order.pk}")
    record(
        actor=actor,
        verb="order.placed",
        target=order,
        data={"number": order.number, "total": str(order.total)},
    )
    return order


def _wanted(order: Order) -> dict[UUID, int]:
    """How many of each product the order wants; several lines may have the same one."""
    wanted: Counter[UUID] = Counter()
    for product_id, quantity in order.lines.values_list("product_id", "quantity"):
        wanted[product_id] += quantity
    return wanted


def _locked_for(order: Order, move: Move) -> Order:
    order = locked(order)
    if not order.can(move):
        raise _refusal(order, move)
    return order


def _advance(order: Order, move: Move, **values: Any) -> Order:
    """Make the move by one conditional update; of two at the same moment one finds no row."""
    transition, now = TRANSITIONS[move], timezone.now()
    values |= {"status": transition.target, transition.stamp: now, "updated_at": now}
    here = Order.objects.filter(pk=order.pk, status=order.status, status__in=transition.sources)
    if here.update(**values) != 1:
        raise _refusal(locked(order), move)
    for field, value in values.items():
        setattr(order, field, value)
    return order


def _refusal(order: Order, move: Move) -> MoveRefused:
    ways = ", ".join(order.actions) or "nothing any more"
    return MoveRefused(
        f"{order} is {order.status}, so it cannot make the move {move.value!r}. Possible now: {ways}.",
        order_status=order.status,
        move=move.value,
        possible=[action.value for action in order.actions],
    )
