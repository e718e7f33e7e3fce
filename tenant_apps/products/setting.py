"""Setting the stock of many products at once, from a list that a program or a file has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import transaction

from tenant_apps.products.ledger import MOST_STOCK, hold_stock
from tenant_apps.products.models import Location, Product, StockLevel, StockMovement
from tenant_apps.products.services import adjustment
from tenant_apps.products.shifting import LocationArchived, Shift, StockRefused, shift_stock
from tenant_apps.products.writing import clean_line
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import DomainError, Invalid

MOST_ITEMS: Final = 1_000


@dataclass(frozen=True, slots=True)
class StockItem:
    """One product, named by id or SKU, at a location (id or code; the default one without): the number counted
    there, or the difference."""

    product: UUID | None = None
    sku: str | None = None
    location: UUID | str | None = None
    counted: int | None = None
    delta: int | None = None


@dataclass(frozen=True, slots=True)
class StockSet:
    """What became of one item: a line of the ledger, or why not."""

    movement: StockMovement | None = None
    error: DomainError | None = None


@transaction.atomic
def set_stock(*, actor: Actor, items: Sequence[StockItem], note: str = "Stock set") -> list[StockSet]:
    """Adjust the stock of many products in one transaction; an item that is wrong leaves the others alone.

    The answer has one entry for each item, in their order. Who wants all or nothing rolls back when one has an error.
    """
    if not 1 <= len(items) <= MOST_ITEMS:
        raise Invalid(f"Send from 1 to {MOST_ITEMS} items, not {len(items)}.", field="items")
    note = clean_line(note, field="note", most=500)
    judged = _Judged(items)
    outcomes = [judged.outcome(place, item) for place, item in enumerate(items)]
    shifts = [outcome for outcome in outcomes if isinstance(outcome, Shift)]
    moved = shift_stock(actor, StockMovement.Reason.ADJUSTMENT, shifts, note=note)
    movements = {(line.product_id, line.location_id): line for line in moved}
    if movements:
        data = {
            "items": len(movements),
            "on_hand_change": sum(shift.on_hand for shift in shifts),
            "note": note,
        }
        record(actor=actor, verb="stock.set", data=data)
    return [
        StockSet(movement=movements[outcome.product_id, outcome.location_id])
        if isinstance(outcome, Shift)
        else StockSet(error=outcome)
        for outcome in outcomes
    ]


class _Judged:
    """The rows that items name, locked, and what each item comes to."""

    def __init__(self, items: Sequence[StockItem]) -> None:
        named = Product.objects.filter(pk__in=[item.product for item in items if item.product])
        coded = Product.objects.filter(sku__in=[item.sku.upper() for item in items if item.sku])
        wanted = {pk: 1 for products in (named, coded) for pk in products.values_list("pk", flat=True)}
        held = [item.product for item in hold_stock(wanted)]
        self.products = {key: product for product in held for key in (product.pk, product.sku)}
        places = list(Location.objects.all())
        self.places = {key: place for place in places for key in (place.pk, place.code)}
        self.default = next(place for place in places if place.is_default)
        levels = StockLevel.objects.filter(product__in=[product.pk for product in held])
        self.levels = {(level.product_id, level.location_id): level for level in levels}
        self.seen: set[tuple[UUID, UUID]] = set()

    def outcome(self, place: int, item: StockItem) -> Shift | DomainError:
        """By how much an item moves the stock, or why it cannot."""
        try:
            return self._shift(item)
        except DomainError as error:
            error.field = f"items.{place}.{error.field}" if error.field else f"items.{place}"
            return error

    def _shift(self, item: StockItem) -> Shift:
        product, location = self._product(item), self._location(item)
        if (product.pk, location.pk) in self.seen:
            raise Invalid(f"{product.sku} at {location.code} stands here twice. Send it once.", field="sku")
        level = self.levels.get((product.pk, location.pk)) or StockLevel()
        change = adjustment(level.on_hand, item.counted, item.delta)
        if not level.reserved <= level.on_hand + change <= MOST_STOCK:
            raise StockRefused(
                f"Stock on hand may not fall below what is reserved, nor rise above {MOST_STOCK}. Now {product.sku}:"
                f" {level} at {location.name}.",
                field="counted" if item.delta is None else "delta",
            )
        self.seen.add((product.pk, location.pk))
        return Shift(product.pk, location.pk, change, 0)

    def _product(self, item: StockItem) -> Product:
        if (item.product is None) == (item.sku is None):
            raise Invalid("Name the product either by its id or by its SKU.", field="product")
        key = item.product or (item.sku or "").upper()
        product = self.products.get(key)
        if product is None:
            raise Invalid(f"No goods are known as {key}.", field="product" if item.product else "sku")
        return product

    def _location(self, item: StockItem) -> Location:
        if item.location is None:
            return self.default
        key = item.location.upper() if isinstance(item.location, str) else item.location
        location = self.places.get(key)
        if location is None:
            raise Invalid(f"No location is known as {key}.", field="location")
        if location.is_archived:
            raise LocationArchived(f"{location} is archived. Restore it or choose another.", field="location")
        return location
