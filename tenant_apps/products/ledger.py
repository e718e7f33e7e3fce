"""The stock ledger: the one place that writes stock columns, and a movement for each change of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from tenant_apps.products.models import Product, StockMovement
from tenants.audit.actors import Actor
from tenants.errors import Conflict, Invalid

MOST_STOCK: Final = 2_000_000_000

Reason = StockMovement.Reason


class ProductNotForSale(Conflict):
    code = "product_not_for_sale"
    title = "The product cannot be ordered"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "Not enough stock"


class StockRefused(Conflict):
    code = "stock_refused"
    title = "The stock does not allow this movement"


class NotStocked(Invalid):
    code = "not_stocked"
    title = "Services carry no stock"


@dataclass(frozen=True, slots=True)
class Held:
    """Goods whose row this transaction has locked, and how many of them an order wants."""

    product: Product
    quantity: int


def hold_stock(wanted: Mapping[UUID, int]) -> list[Held]:
    """Lock the goods among the wanted products until the transaction ends.

    Always in SKU order, so that two orders that share products wait for each other and do not deadlock.
    """
    goods = Product.objects.filter(pk__in=wanted, kind=Product.Kind.GOODS).order_by("sku")
    return [Held(product, wanted[product.pk]) for product in goods.select_for_update(no_key=True)]


def hold_for_sale(wanted: Mapping[UUID, int]) -> list[Held]:
    """Lock the goods of an order to be placed; refuse what is not for sale or not there."""
    held = hold_stock(wanted)
    services = set(wanted) - {item.product.pk for item in held}
    refuse_unsellable(item.product for item in held)
    refuse_unsellable(Product.objects.filter(pk__in=services) if services else [])
    if short := [item for item in held if item.product.available < item.quantity]:
        raise _out_of_stock(short)
    return held


def reserve_stock(*, actor: Actor, held: list[Held], source: str) -> None:
    """Promise held goods to an order."""
    _shift(actor, Reason.RESERVATION, [Shift(item.product, 0, item.quantity) for item in held], source=source)


def release_stock(*, actor: Actor, held: list[Held], source: str) -> None:
    """Take back the promise of a cancelled order."""
    _shift(actor, Reason.RELEASE, [Shift(item.product, 0, -item.quantity) for item in held], source=source)


def ship_stock(*, actor: Actor, held: list[Held], source: str) -> None:
    """Let promised goods leave the house."""
    shifts = [Shift(item.product, -item.quantity, -item.quantity) for item in held]
    _shift(actor, Reason.FULFILMENT, shifts, source=source)


def refuse_unsellable(products: Iterable[Product]) -> None:
    """Refuse drafts and archived products by name."""
    if barred := [product for product in products if not product.is_sellable]:
        named = ", ".join(f"{product.sku} is {product.status}" for product in barred)
        raise ProductNotForSale(
            f"Only active products can be ordered: {named}. Activate them or take them off the order.",
            field="lines",
            skus=[product.sku for product in barred],
        )


def _out_of_stock(short: list[Held]) -> OutOfStock:
    named = "; ".join(
        f"{item.product.sku}: {item.quantity} wanted, {item.product.available} available" for item in short
    )
    return OutOfStock(
        f"Not enough stock. {named}. Order fewer or receive stock first.",
        field="lines",
        shortages=[
            {"sku": item.product.sku, "wanted": item.quantity, "available": item.product.available}
            for item in short
        ],
    )


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much one product's stock columns move."""

    product: Product
    on_hand: int
    reserved: int


# One statement for any number of products. The conditions are those of the table's constraints: a row whose
# stock does not allow the movement is left alone, and the count of rows tells.
SHIFT_STOCK: Final = """
    UPDATE products_product AS product
    SET on_hand = product.on_hand + shift.on_hand,
        reserved = product.reserved + shift.reserved,
        updated_at = %s
    FROM unnest(%s::uuid[], %s::int[], %s::int[]) AS shift (id, on_hand, reserved)
    WHERE product.id = shift.id AND product.kind = 'goods'
      AND product.reserved + shift.reserved >= 0
      AND product.on_hand + shift.on_hand >= product.reserved + shift.reserved
"""


def _shift(
    actor: Actor, reason: str, shifts: list[Shift], *, note: str = "", source: str = ""
) -> list[StockMovement]:
    """Move the stock columns and write the ledger, for all products or for none."""
    if not shifts:
        return []
    now = timezone.now()
    ids = [shift.product.pk for shift in shifts]
    with connection.cursor() as cursor:
        cursor.execute(
            SHIFT_STOCK, [now, ids, [shift.on_hand for shift in shifts], [shift.reserved for shift in shifts]]
        )
        if cursor.rowcount != len(shifts):
            raise _refused_shift(shifts)
    return StockMovement.objects.bulk_create(
        StockMovement(
            product=shift.product,
            reason=reason,
            on_hand_change=shift.on_hand,
            reserved_change=shift.reserved,
            note=note,
            source=source,
            actor_label=actor.label,
            at=now,
        )
        for shift in shifts
    )


def shift_one(
    actor: Actor, product: Product, reason: str, *, on_hand: int, note: str = "", source: str = ""
) -> StockMovement:
    if not product.is_stocked:
        raise NotStocked(f"{product.sku} is a service and carries no stock.")
    if product.on_hand + on_hand > MOST_STOCK:
        raise Invalid(f"More than {MOST_STOCK} of {product.sku} cannot be kept on hand.", field="quantity")
    (movement,) = _shift(actor, reason, [Shift(product, on_hand, 0)], note=note, source=source)
    product.on_hand += on_hand
    return movement


def _refused_shift(shifts: list[Shift]) -> StockRefused:
    products = Product.objects.filter(pk__in=[shift.product.pk for shift in shifts]).order_by("sku")
    now = "; ".join(
        f"{product.sku}: {product.on_hand} on hand, {product.reserved} reserved" for product in products
    )
    return StockRefused(
        f"Stock on hand may not fall below what is reserved, nor the reserved below 0. Now: {now}. "
        "Cancel orders that hold the stock, or move less."
    )
