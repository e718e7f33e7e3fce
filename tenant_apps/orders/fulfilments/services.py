"""The verbs of goods: send all or part of an order, take goods back, name the parcel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from tenant_apps.orders.models import Fulfilment, FulfilmentLine, Move, Order, OrderLine
from tenant_apps.orders.moves import advance, change, locked_for, refusal
from tenant_apps.orders.totals import ZERO
from tenant_apps.products.ledger import hold_stock, return_stock, ship_stock
from tenant_apps.products.models import Location
from tenant_apps.products.writing import clean_line, clean_quantity, locked, rounded
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid

Direction, FulfilmentStatus = Fulfilment.Direction, Order.FulfilmentStatus


class TooMany(Conflict):
    code = "too_many"
    title = "More than the order has left"


@dataclass(frozen=True, slots=True)
class Portion:
    """How many of one line leave or come back."""

    line_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of one line have left and come back so far."""

    line: OrderLine
    sent: int
    returned: int

    @property
    def to_send(self) -> int:
        return self.line.quantity - self.sent

    @property
    def outside(self) -> int:
        """Those that could still come back."""
        return self.sent - self.returned


class Parcel(TypedDict, total=False):
    """How goods travel."""

    carrier: str
    tracking_number: str
    note: str


@transaction.atomic
def fulfil_order(
    *,
    actor: Actor,
    order: Order,
    lines: Sequence[Portion] | None = None,
    location: Location | None = None,
    **parcel: Unpack[Parcel],
) -> Order:
    """Let goods of a paid order leave: all that have not left, or the portions that are given."""
    order = locked_for(order, Move.FULFIL)
    progress = progress_of(order)
    leaving = _portions(progress, lines, "to_send")
    held = hold_stock(_products(progress, leaving))
    ship_stock(actor=actor, held=held, source=order.stock_source, location=location)
    done = _write(order, Direction.OUT, leaving, location=location, **_clean(parcel))
    if all(leaving.get(each.line.pk, 0) == each.to_send for each in progress):
        order = advance(order, Move.FULFIL, fulfilment_status=FulfilmentStatus.FULFILLED)
    else:
        order = change(order, Move.FULFIL, fulfilment_status=FulfilmentStatus.PARTIAL)
    verb = "order.fulfilled" if order.status == Order.Status.FULFILLED else "order.partly_fulfilled"
    record(actor=actor, verb=verb, target=order, data=_told(order, done, leaving))
    return order


@transaction.atomic
def return_goods(
    *,
    actor: Actor,
    order: Order,
    lines: Sequence[Portion] | None = None,
    restock: bool = True,
    location: Location | None = None,
    note: str = "",
) -> Order:
    """Take goods back: all that have left, or the portions that are given. Restocked ones can be sold again."""
    order = locked(order)
    if not order.is_returnable:
        raise refusal(order, "return")
    progress = progress_of(order)
    coming = _portions(progress, lines, "outside")
    done = _take_back(actor, order, progress, coming, restock=restock, location=location, note=note)
    if order.fulfilment_status == FulfilmentStatus.FULFILLED and all(
        coming.get(each.line.pk, 0) == each.outside for each in progress
    ):
        order = change(order, "return", fulfilment_status=FulfilmentStatus.RETURNED)
    else:
        order = change(order, "return")
    record(actor=actor, verb="order.returned", target=order, data=_told(order, done, coming))
    return order


def take_all_back(
    actor: Actor, order: Order, progress: Sequence[Progress], *, note: str
) -> Fulfilment | None:
    """Restock all that has left of an order that is called off."""
    outside = {each.line.pk: each.outside for each in progress if each.outside}
    return (
        _take_back(actor, order, progress, outside, restock=True, location=None, note=note)
        if outside
        else None
    )


@transaction.atomic
def update_parcel(*, actor: Actor, fulfilment: Fulfilment, **changes: Unpack[Parcel]) -> Fulfilment:
    """Name the carrier, the tracking number or a note after the goods have left."""
    fulfilment = locked(fulfilment)
    cleaned = _clean(changes)
    changed = [name for name, value in cleaned.items() if getattr(fulfilment, name) != value]
    if changed:
        for name in changed:
            setattr(fulfilment, name, cleaned[name])
        fulfilment.save(update_fields=[*changed, "updated_at"])
        order = change(locked(fulfilment.order), "track")
        data = {"fulfilment": str(fulfilment.pk), "changed": changed}
        record(actor=actor, verb="order.parcel_updated", target=order, data=data)
    return fulfilment


def progress_of(order: Order) -> list[Progress]:
    """How far each line is. What was fulfilled before there were deliveries on record has left in full."""
    moved = (
        FulfilmentLine.objects.filter(fulfilment__order=order)
        .values_list("line", "fulfilment__direction")
        .annotate(Sum("quantity"))
    )
    counts = {(line, direction): count for line, direction, count in moved}
    has_all_left = order.fulfilment_status in {FulfilmentStatus.FULFILLED, FulfilmentStatus.RETURNED}
    return [
        Progress(
            line,
            line.quantity if has_all_left else counts.get((line.pk, Direction.OUT), 0),
            counts.get((line.pk, Direction.RETURN), 0),
        )
        for line in order.lines.all()
    ]


def unsent(progress: Iterable[Progress]) -> dict[UUID, int]:
    """How many of each product have not left."""
    left: Counter[UUID] = Counter()
    for each in progress:
        left[each.line.product_id] += each.to_send
    return {product: count for product, count in left.items() if count}


def price_unsent(progress: Iterable[Progress]) -> Decimal:
    """What the pieces that have not left cost, after discount and with tax; those that have left keep the cents."""
    return sum(
        (
            each.line.gross - rounded(each.line.gross * each.sent / each.line.quantity)
            for each in progress
            if each.to_send
        ),
        ZERO,
    )


def _portions(progress: list[Progress], lines: Sequence[Portion] | None, room: str) -> dict[UUID, int]:
    """The quantity of each line; all there is room for when nothing is said."""
    rooms = {each.line.pk: getattr(each, room) for each in progress}
    if lines is None:
        lines = [Portion(line, count) for line, count in rooms.items() if count]
    chosen: Counter[UUID] = Counter()
    for portion in lines:
        chosen[portion.line_id] += clean_quantity(portion.quantity, field="lines")
    if not chosen:
        raise Invalid("Nothing was chosen. Name at least one line and how many of it.", field="lines")
    if strange := sorted(str(line) for line in chosen if line not in rooms):
        raise Invalid(f"The order has no line with the id {', '.join(strange)}.", field="lines")
    _refuse_too_many(progress, chosen, rooms)
    return chosen


def _refuse_too_many(progress: list[Progress], chosen: dict[UUID, int], rooms: dict[UUID, int]) -> None:
    over = [each.line for each in progress if chosen.get(each.line.pk, 0) > rooms[each.line.pk]]
    if over:
        named = "; ".join(f"{line.sku}: {chosen[line.pk]} wanted, {rooms[line.pk]} left" for line in over)
        raise TooMany(f"The order does not have so many left. {named}. Choose fewer.", field="lines")


def _products(progress: list[Progress], chosen: dict[UUID, int]) -> dict[UUID, int]:
    wanted: Counter[UUID] = Counter()
    for each in progress:
        if each.line.pk in chosen:
            wanted[each.line.product_id] += chosen[each.line.pk]
    return wanted


def _take_back(
    actor: Actor,
    order: Order,
    progress: Sequence[Progress],
    coming: dict[UUID, int],
    *,
    restock: bool,
    location: Location | None,
    note: str,
) -> Fulfilment:
    if restock:
        held = hold_stock(_products(list(progress), coming))
        # The ledger of stock cannot be changed, so the reason stays with the return alone.
        return_stock(actor=actor, held=held, source=order.stock_source, location=location)
    cleaned = _clean({"note": note})
    return _write(order, Direction.RETURN, coming, restocked=restock, location=location, **cleaned)


def _write(order: Order, direction: str, portions: dict[UUID, int], **fields: Any) -> Fulfilment:
    fulfilment = Fulfilment(order=order, direction=direction, **fields)
    fulfilment.save(force_insert=True)
    FulfilmentLine.objects.bulk_create(
        FulfilmentLine(fulfilment=fulfilment, line_id=line, quantity=count)
        for line, count in portions.items()
    )
    return fulfilment


def _clean(parcel: Parcel) -> dict[str, str]:
    longest = {"carrier": 60, "tracking_number": 100, "note": 500}
    return {
        name: clean_line(str(text), field=name, most=longest[name], needed=False)
        for name, text in parcel.items()
    }


# The audit log cannot be changed, not even to forget a person: what somebody has typed stays out of it.


def _told(order: Order, done: Fulfilment, portions: dict[UUID, int]) -> dict[str, Any]:
    return {
        "number": order.number,
        "fulfilment": str(done.pk),
        "pieces": sum(portions.values()),
        "restocked": done.restocked,
        "note_given": bool(done.note),
    }
