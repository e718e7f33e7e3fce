"""The statement that moves stock: totals, levels, low-stock marks and ledger lines in one message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from tenant_apps.products.models import Location, Product, StockLevel, StockMovement
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict

MOST_STOCK: Final = 2_000_000_000


class StockRefused(Conflict):
    code = "stock_refused"
    title = "The stock does not allow this movement"


class LocationArchived(Conflict):
    code = "location_archived"
    title = "The location is archived"


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much one product's stock moves at one location."""

    product_id: UUID
    location_id: UUID
    on_hand: int
    reserved: int


# When the product ran low, if it is low: a moment that is there already stays.
LOW: Final = "product.low_stock_at >= {on_hand} - {reserved}"
LOW_NOW: Final = LOW.format(on_hand="product.on_hand", reserved="product.reserved")
LOW_THEN: Final = LOW.format(
    on_hand="(product.on_hand + change.on_hand)", reserved="(product.reserved + change.reserved)"
)

# One statement for any number of products and locations. The conditions are those of the tables' constraints: a row
# whose stock does not allow the movement is left alone, and the counts of rows tell. Whoever sends it has locked the
# products before, so levels are never opened twice.
SHIFT_STOCK: Final = f"""
    WITH shift AS (
        SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[], %s::int[])
            AS shift (id, product_id, location_id, on_hand, reserved)
    ), total AS (
        UPDATE products_product AS product
        SET on_hand = product.on_hand + change.on_hand,
            reserved = product.reserved + change.reserved,
            low_since = CASE WHEN {LOW_THEN} THEN coalesce(product.low_since, %s) END,
            low_told_at = CASE WHEN {LOW_THEN} THEN product.low_told_at END,
            updated_at = %s
        FROM (
            SELECT product_id, sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM shift GROUP BY product_id
        ) AS change
        WHERE product.id = change.product_id AND product.kind = 'goods' AND product.options IS NULL
          AND product.reserved + change.reserved >= 0
          AND product.on_hand + change.on_hand BETWEEN product.reserved + change.reserved AND {MOST_STOCK}
        RETURNING product.id, product.low_since
    ), level AS (
        UPDATE products_stocklevel AS level
        SET on_hand = level.on_hand + shift.on_hand, reserved = level.reserved + shift.reserved, updated_at = %s
        FROM shift
        WHERE level.product_id = shift.product_id AND level.location_id = shift.location_id
          AND level.reserved + shift.reserved >= 0
          AND level.on_hand::bigint + shift.on_hand BETWEEN level.reserved + shift.reserved AND {MOST_STOCK}
        RETURNING level.id
    ), opened AS (
        INSERT INTO products_stocklevel (id, created_at, updated_at, product_id, location_id, on_hand, reserved)
        SELECT shift.id, %s, %s, product_id, location_id, on_hand, reserved
        FROM shift
        WHERE on_hand >= reserved AND reserved >= 0 AND NOT EXISTS (
            SELECT FROM products_stocklevel AS level
            WHERE level.product_id = shift.product_id AND level.location_id = shift.location_id
        )
        RETURNING id
    ), line AS (
        INSERT INTO products_stockmovement
            (id, product_id, location_id, reason, on_hand_change, reserved_change, note, source, actor_label, at)
        SELECT id, product_id, location_id, %s, on_hand, reserved, %s, %s, %s, %s FROM shift
    )
    SELECT (SELECT count(*) FROM total), (SELECT count(*) FROM level) + (SELECT count(*) FROM opened),
           ARRAY(SELECT id FROM total WHERE low_since = %s)
"""

# For products whose warning level was changed.
MARK_LOW: Final = f"""
    UPDATE products_product AS product
    SET low_since = CASE WHEN {LOW_NOW} THEN coalesce(product.low_since, %s) END,
        low_told_at = CASE WHEN {LOW_NOW} THEN product.low_told_at END
    WHERE id = ANY(%s) AND (coalesce({LOW_NOW}, false) <> (product.low_since IS NOT NULL))
    RETURNING product.id, product.low_since
"""


def shift_stock(
    actor: Actor, reason: str, shifts: Iterable[Shift], *, note: str = "", source: str = ""
) -> list[StockMovement]:
    """Move stock and write the ledger, for all or for none. The products must be locked."""
    shifts = _merged(shifts)
    if not shifts:
        return []
    _hold_live({shift.location_id for shift in shifts if shift.on_hand > 0})
    line = {
        "reason": reason,
        "note": note,
        "source": source,
        "actor_label": actor.label,
        "at": timezone.now(),
    }
    movements = [_movement(shift, line) for shift in shifts]
    totals, levels, fell = _send(movements, line)
    if totals != len({shift.product_id for shift in shifts}) or levels != len(shifts):
        raise refused_shift(shifts)
    _tell_low(actor, fell)
    return movements


def mark_low(actor: Actor, products: Sequence[UUID]) -> None:
    """Compare products with their warning levels, where not the stock but the level has changed."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(MARK_LOW, [now, list(products)])
        fell = [product_id for product_id, since in cursor.fetchall() if since == now]
    _tell_low(actor, fell)


def _merged(shifts: Iterable[Shift]) -> list[Shift]:
    """One shift for each product at each location: an UPDATE takes only one of two."""
    on_hand: Counter[tuple[UUID, UUID]] = Counter()
    reserved: Counter[tuple[UUID, UUID]] = Counter()
    for shift in shifts:
        on_hand[shift.product_id, shift.location_id] += shift.on_hand
        reserved[shift.product_id, shift.location_id] += shift.reserved
    return [Shift(*place, on_hand[place], reserved[place]) for place in on_hand]


def _hold_live(locations: set[UUID]) -> None:
    """Keep locations that get stock from being archived meanwhile; refuse those that are."""
    if not locations:
        return
    # KEY SHARE waits for the full lock of whoever archives, and for nobody else.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM products_location WHERE id = ANY(%s) AND archived_at IS NULL"
            " FOR KEY SHARE) AS live",
            [list(locations)],
        )
        (live,) = cursor.fetchone() or (0,)
    if live != len(locations):
        names = Location.objects.filter(pk__in=locations).exclude(archived_at=None)
        raise LocationArchived(
            f"Archived locations take no stock: {', '.join(map(str, names))}. Restore it or choose another.",
            field="location",
        )


def _movement(shift: Shift, line: dict[str, Any]) -> StockMovement:
    return StockMovement(
        product_id=shift.product_id,
        location_id=shift.location_id,
        on_hand_change=shift.on_hand,
        reserved_change=shift.reserved,
        **line,
    )


def _send(movements: list[StockMovement], line: dict[str, Any]) -> tuple[int, int, list[UUID]]:
    """How many totals and how many levels moved, and which products ran low by it."""
    columns = ("id", "product_id", "location_id", "on_hand_change", "reserved_change")
    arrays = [[getattr(movement, column) for movement in movements] for column in columns]
    now = line["at"]
    with connection.cursor() as cursor:
        cursor.execute(SHIFT_STOCK, [*arrays, now, now, now, now, now, *line.values(), now])
        row: Any = cursor.fetchone()
    return row[0], row[1], row[2]


def _tell_low(actor: Actor, fell: Sequence[UUID]) -> None:
    for product in Product.objects.filter(pk__in=fell).order_by("sku") if fell else ():
        record(
            actor=actor,
            verb="product.low_stock",
            target=product,
            data={"sku": product.sku, "available": product.available, "low_stock_at": product.low_stock_at},
        )


def refused_shift(shifts: Sequence[Shift]) -> StockRefused:
    """Why stock cannot move so: what is there of each product at each of the places."""
    places = {(shift.product_id, shift.location_id) for shift in shifts}
    found = StockLevel.objects.filter(product__in={product for product, _ in places})
    levels = {(level.product_id, level.location_id): level for level in found}
    products = Product.objects.in_bulk({product for product, _ in places})
    names = dict(Location.objects.filter(pk__in={place for _, place in places}).values_list("pk", "name"))
    now = [
        f"{products[product].sku}: {_numbers(levels.get((product, place)))} at {names[place]}"
        for product, place in places
        if product in products
    ]
    return StockRefused(
        f"Stock on hand may not fall below what is reserved, nor the reserved below 0, nor either rise above"
        f" {MOST_STOCK}. Now: {'; '.join(sorted(now))}. Cancel orders that hold the stock, or move less."
    )


def _numbers(level: StockLevel | None) -> str:
    return str(level or StockLevel())
