"""The verbs of stock that orders use: hold, promise, release, ship and take back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import F, Sum

from tenant_apps.products.models import Location, Product, StockLevel, StockMovement
from tenant_apps.products.shifting import MOST_STOCK, Shift, StockRefused, shift_stock
from tenants.audit.actors import Actor
from tenants.errors import Conflict, Invalid

__all__ = ["MOST_STOCK", "StockRefused"]

DEFAULT_FIRST: Final = ("-location__is_default", "location__code")

Reason = StockMovement.Reason


class ProductNotForSale(Conflict):
    code = "product_not_for_sale"
    title = "The product cannot be ordered"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "Not enough stock"


class NotStocked(Invalid):
    code = "not_stocked"
    title = "This product carries no stock"


@dataclass(frozen=True, slots=True)
class Held:
    """Goods whose row this transaction has locked, and how many of them an order wants."""

    product: Product
    quantity: int


def hold_stock(wanted: Mapping[UUID, int]) -> list[Held]:
    """Lock the goods among the wanted products until the transaction ends.

    Always in SKU order, so that two orders that share products wait for each other and do not deadlock.
    """
    goods = Product.objects.stocked().filter(pk__in=wanted).order_by("sku")
    return [Held(product, wanted[product.pk]) for product in goods.select_for_update(no_key=True)]


def hold_for_sale(wanted: Mapping[UUID, int], *, location: Location | None = None) -> list[Held]:
    """Lock the goods of an order to be placed; refuse what is not for sale or not there."""
    held = hold_stock(wanted)
    services = set(wanted) - {item.product.pk for item in held}
    refuse_unsellable(item.product for item in held)
    refuse_unsellable(Product.objects.filter(pk__in=services) if services else [])
    if short := _short(held, location):
        raise _out_of_stock(short)
    return held


def _short(held: list[Held], location: Location | None) -> list[tuple[Held, int]]:
    """Goods of which too few are available, with how many are: everywhere, or at one location."""
    here = _rooms(held, location) if location else {}
    available = {item.product.pk: item.product.available for item in held}
    if location:
        available = {product: sum(count for _, count in here.get(product, ())) for product in available}
    return [(item, available[item.product.pk]) for item in held if available[item.product.pk] < item.quantity]


def reserve_stock(*, actor: Actor, held: list[Held], source: str, location: Location | None = None) -> None:
    """Promise held goods to an order: from one location, or wherever they lie, the default location first."""
    shifts = [
        Shift(item.product.pk, place, 0, count)
        for item, place, count in _spread(held, _rooms(held, location))
    ]
    shift_stock(actor, Reason.RESERVATION, shifts, source=source)


def release_stock(*, actor: Actor, held: list[Held], source: str, location: Location | None = None) -> None:
    """Take back all or part of what an order was promised, from where it was promised."""
    promised = _promised(held, source, location)
    shifts = [Shift(item.product.pk, place, 0, -count) for item, place, count in _spread(held, promised)]
    shift_stock(actor, Reason.RELEASE, shifts, source=source)


def ship_stock(*, actor: Actor, held: list[Held], source: str, location: Location | None = None) -> None:
    """Let all or part of the promised goods leave: from where they were promised, or from the given location."""
    shifts = []
    for item, place, count in _spread(held, _promised(held, source, location)):
        shifts.append(Shift(item.product.pk, place, 0, -count))
        shifts.append(Shift(item.product.pk, location.pk if location else place, -count, 0))
    shift_stock(actor, Reason.FULFILMENT, shifts, source=source)


def return_stock(
    *, actor: Actor, held: list[Held], source: str, location: Location | None = None, note: str = ""
) -> None:
    """Take goods back that had left; they can be sold again at once."""
    if held:
        place = (location or Location.objects.default()).pk
        shifts = [Shift(item.product.pk, place, item.quantity, 0) for item in held]
        shift_stock(actor, Reason.RETURN, shifts, note=note, source=source)


Rooms = Mapping[
    UUID, Sequence[tuple[UUID, int]]
]  # of each product: locations, and how much can be taken there


def _rooms(held: list[Held], location: Location | None) -> Rooms:
    """Where held goods are available."""
    levels = StockLevel.objects.filter(product__in=[item.product.pk for item in held])
    levels = levels.filter(location=location) if location else levels.order_by(*DEFAULT_FIRST)
    rooms = levels.values_list("product", "location", F("on_hand") - F("reserved"))
    return _by_product(rooms)


def _promised(held: list[Held], source: str, location: Location | None) -> Rooms:
    """Where the ledger says that held goods are promised to an order; the given location comes first."""
    lines = StockMovement.objects.caused_by(source).filter(product__in=[item.product.pk for item in held])
    rooms = (
        lines.values_list("product", "location")
        .annotate(left=Sum("reserved_change"))
        .order_by(*DEFAULT_FIRST)
    )
    wanted = location.pk if location else None
    return _by_product(sorted(rooms, key=lambda room: room[1] != wanted))


def _by_product(rooms: Iterable[tuple[UUID, UUID, int]]) -> Rooms:
    found = defaultdict(list)
    for product, place, count in rooms:
        found[product].append((place, count))
    return found


def _spread(held: list[Held], rooms: Rooms) -> list[tuple[Held, UUID, int]]:
    """Take each product from the first places that have some of it; refuse what they do not have together."""
    taken = []
    for item in held:
        missing = item.quantity
        for place, room in rooms.get(item.product.pk, ()):
            if (count := min(missing, room)) > 0:
                taken.append((item, place, count))
                missing -= count
        if missing:
            raise _nowhere(item, item.quantity - missing)
    return taken


def _nowhere(item: Held, found: int) -> StockRefused:
    return StockRefused(
        f"Of {item.product.sku} there are {found} to be moved so, not {item.quantity}: {item.product.on_hand} are on"
        f" hand and {item.product.reserved} reserved in all. Move less, or choose another location."
    )


def refuse_unsellable(products: Iterable[Product]) -> None:
    """Refuse drafts and archived products by name."""
    if barred := [product for product in products if not product.is_sellable]:
        named = ", ".join(_reason(product) for product in barred)
        raise ProductNotForSale(
            f"Only active products can be ordered: {named}. Choose others, activate them or take them off the order.",
            field="lines",
            skus=[product.sku for product in barred],
        )


def _reason(product: Product) -> str:
    return f"{product.sku} is {'sold as its variants' if product.is_parent else product.status}"


def _out_of_stock(short: list[tuple[Held, int]]) -> OutOfStock:
    shortages = [
        {"sku": item.product.sku, "wanted": item.quantity, "available": available}
        for item, available in short
    ]
    named = "; ".join("{sku}: {wanted} wanted, {available} available".format(**each) for each in shortages)
    return OutOfStock(
        f"Not enough stock. {named}. Order fewer or receive stock first.", field="lines", shortages=shortages
    )


def shift_one(
    actor: Actor,
    product: Product,
    reason: str,
    *,
    on_hand: int,
    note: str = "",
    source: str = "",
    location: Location | None = None,
) -> StockMovement:
    """Move what is on hand of one locked product, at the default location unless another is given."""
    if not product.is_stocked:
        what = "is sold as its variants" if product.is_parent else "is a service"
        raise NotStocked(f"{product.sku} {what} and carries no stock of its own.")
    if product.on_hand + on_hand > MOST_STOCK:
        raise Invalid(f"More than {MOST_STOCK} of {product.sku} cannot be kept on hand.", field="quantity")
    place = location or Location.objects.default()
    (movement,) = shift_stock(
        actor, reason, [Shift(product.pk, place.pk, on_hand, 0)], note=note, source=source
    )
    product.on_hand += on_hand
    return movement
