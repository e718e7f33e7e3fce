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

MOST_ITEMS: Final = 10_000

Place = tuple[UUID, UUID]  # a product at a location


class Ambiguous(Invalid):
    code = "ambiguous"
    title = "A record is named twice or not at all"


class Unknown(Invalid):
    code = "does_not_exist"
    title = "There is no such record"


@dataclass(frozen=True, slots=True)
class StockItem:
    """One product, named by id or SKU, at a location (id or code; the default one without): the number counted
    there, or the difference. The note says why."""

    product: UUID | None = None
    sku: str | None = None
    location: UUID | str | None = None
    counted: int | None = None
    delta: int | None = None
    note: str = "Stock set"


@transaction.atomic
def set_stock(*, actor: Actor, items: Sequence[StockItem]) -> list[StockMovement | DomainError]:
    """Adjust the stock of many products in one transaction; an item that is wrong leaves the others alone.

    All products are locked first, in the order in which orders lock them, whatever the order of the items. The answer
    has a line of the ledger for each item, or why there is none, with the field of the item that is wrong. Who wants
    all or nothing rolls back when one was refused.
    """
    if not 1 <= len(items) <= MOST_ITEMS:
        raise Invalid(f"Send from 1 to {MOST_ITEMS} items, not {len(items)}.", field="items")
    judged = _Judged(items)
    outcomes = [judged.outcome(item) for item in items]
    movements = _move(actor, [outcome for outcome in outcomes if isinstance(outcome, _Line)])
    for place, movement in movements.items():
        _record(actor, judged, place, movement)
    return [movements[each.place] if isinstance(each, _Line) else each for each in outcomes]


@dataclass(frozen=True, slots=True)
class _Line:
    """By how much an item moves the stock, and why."""

    shift: Shift
    note: str

    @property
    def place(self) -> Place:
        return self.shift.product_id, self.shift.location_id


def _move(actor: Actor, lines: Sequence[_Line]) -> dict[Place, StockMovement]:
    """Move the stock, in one statement for all lines with the same note."""
    moved: dict[Place, StockMovement] = {}
    for note in dict.fromkeys(line.note for line in lines):
        alike = [line for line in lines if line.note == note]
        movements = shift_stock(
            actor, StockMovement.Reason.ADJUSTMENT, [line.shift for line in alike], note=note
        )
        moved |= zip((line.place for line in alike), movements, strict=True)
    return moved


def _record(actor: Actor, judged: _Judged, place: Place, movement: StockMovement) -> None:
    """One entry for each product, as for a single adjustment: webhooks tell of it by the product."""
    product, location = judged.products[place[0]], judged.places[place[1]]
    data = {"on_hand_change": movement.on_hand_change, "note": movement.note, "location": location.code}
    record(actor=actor, verb="stock.adjusted", target=product, data=data)


class _Judged:
    """The rows that items name, locked, and what each item comes to."""

    def __init__(self, items: Sequence[StockItem]) -> None:
        named = Product.objects.filter(pk__in=[item.product for item in items if item.product])
        coded = Product.objects.filter(sku__in=[item.sku.upper() for item in items if item.sku])
        wanted = {pk: 1 for products in (named, coded) for pk in products.values_list("pk", flat=True)}
        held = [item.product for item in hold_stock(wanted)]
        self.products: dict[UUID | str, Product] = {
            key: product for product in held for key in (product.pk, product.sku)
        }
        places = list(Location.objects.all())
        self.places: dict[UUID | str, Location] = {
            key: place for place in places for key in (place.pk, place.code)
        }
        self.default = next(place for place in places if place.is_default)
        levels = StockLevel.objects.filter(product__in=[product.pk for product in held])
        self.levels = {(level.product_id, level.location_id): level for level in levels}
        self.seen: set[tuple[UUID, UUID]] = set()

    def outcome(self, item: StockItem) -> _Line | DomainError:
        """By how much an item moves the stock, or why it cannot."""
        try:
            return _Line(self._shift(item), clean_line(item.note, field="note", most=500))
        except DomainError as error:
            return error

    def _shift(self, item: StockItem) -> Shift:
        product, location = self._product(item), self._location(item)
        if (product.pk, location.pk) in self.seen:
            raise Ambiguous(
                f"{product.sku} at {location.code} stands here twice. Send it once.",
                field="product" if item.product else "sku",
            )
        level = self.levels.get((product.pk, location.pk)) or StockLevel()
        change = adjustment(level.on_hand, item.counted, item.delta)
        total = product.on_hand + change
        if not level.reserved <= level.on_hand + change <= MOST_STOCK or total > MOST_STOCK:
            raise StockRefused(
                f"Stock on hand may not fall below what is reserved, nor rise above {MOST_STOCK}. Now {product.sku}:"
                f" {level} at {location.name}.",
                field="counted" if item.delta is None else "delta",
            )
        self.seen.add((product.pk, location.pk))
        product.on_hand = total
        return Shift(product.pk, location.pk, change, 0)

    def _product(self, item: StockItem) -> Product:
        field = "product" if item.product else "sku"
        if (item.product is None) == (not item.sku):
            raise Ambiguous("Name the product either by its id or by its SKU.", field="product")
        product = self.products.get(item.product or (item.sku or "").upper())
        if product is None:
            raise Unknown("No goods with this id or SKU exist here.", field=field)
        return product

    def _location(self, item: StockItem) -> Location:
        if item.location is None:
            return self.default
        key = item.location.upper() if isinstance(item.location, str) else item.location
        location = self.places.get(key)
        if location is None:
            raise Unknown("No location with this id exists here.", field="location")
        if location.is_archived:
            raise LocationArchived(f"{location} is archived. Restore it or choose another.", field="location")
        return location
