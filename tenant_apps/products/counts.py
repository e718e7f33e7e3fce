"""Stock counts: what the books say of a location, what was found there, and the difference as adjustments."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from tenant_apps.products.documents import (
    MOST_LINES,
    DocumentLine,
    goods_of,
    locked_in,
    move_to,
    new_document,
)
from tenant_apps.products.ledger import hold_stock
from tenant_apps.products.models import (
    Category,
    Location,
    StockDocument,
    StockDocumentLine,
    StockLevel,
    StockMovement,
)
from tenant_apps.products.shifting import Shift, shift_stock
from tenant_apps.products.writing import clean_line
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

Status = StockDocument.Status


@transaction.atomic
def open_count(
    *, actor: Actor, location: Location, category: Category | None = None, note: str = ""
) -> StockDocument:
    """Begin to count a location, or one category there: a line for each product that the books say lies there."""
    note = clean_line(note, field="note", most=500, needed=False)
    count = new_document(kind=StockDocument.Kind.COUNT, status=Status.OPEN, location=location, note=note)
    count.save(force_insert=True)
    lines = _snapshot(count, category)
    data = {"number": count.number, "location": location.code, "lines": len(lines)}
    record(actor=actor, verb="count.opened", target=count, data=data)
    return count


def _snapshot(count: StockDocument, category: Category | None) -> list[StockDocumentLine]:
    levels: QuerySet[StockLevel] = StockLevel.objects.filter(location=count.location_id, on_hand__gt=0)
    if category:
        levels = levels.filter(product__category=category)
    found = list(levels.order_by("product__sku").values_list("product", "on_hand")[: MOST_LINES + 1])
    if len(found) > MOST_LINES:
        raise Invalid(f"More than {MOST_LINES} products lie there. Count by category.", field="category")
    lines = [StockDocumentLine(document=count, product_id=pk, expected=on_hand) for pk, on_hand in found]
    return StockDocumentLine.objects.bulk_create(lines, batch_size=1000)


@transaction.atomic
def enter_counts(*, actor: Actor, count: StockDocument, lines: Sequence[DocumentLine]) -> StockDocument:
    """Note what was counted. The books of this moment are what it is compared with, whatever moves later."""
    count = locked_in(count, Status.OPEN)
    goods_of(lines, least=0)
    # Who moves these goods at this moment is waited for: the books below have it, or will get it later.
    hold_stock({line.product_id: line.quantity for line in lines})
    books = _books_of(count.location_id, [line.product_id for line in lines])
    _write_counts(count, lines, books)
    count.save(update_fields=["updated_at"])
    data = {"number": count.number, "lines": len(lines)}
    record(actor=actor, verb="count.entered", target=count, data=data)
    return count


def _books_of(location: UUID, products: Sequence[UUID]) -> dict[UUID, int]:
    levels = StockLevel.objects.filter(location=location, product__in=products)
    return dict(levels.values_list("product", "on_hand"))


def _write_counts(count: StockDocument, lines: Sequence[DocumentLine], books: dict[UUID, int]) -> None:
    StockDocumentLine.objects.bulk_create(
        [
            StockDocumentLine(
                document=count,
                product_id=line.product_id,
                expected=books.get(line.product_id, 0),
                actual=line.quantity,
                note=clean_line(line.note, field="note", most=200, needed=False),
            )
            for line in lines
        ],
        update_conflicts=True,
        unique_fields=["document", "product"],
        update_fields=["expected", "actual", "note", "updated_at"],
    )


@transaction.atomic
def apply_count(*, actor: Actor, count: StockDocument) -> StockDocument:
    """Correct the books by what was counted more or less; lines that nobody counted change nothing."""
    count = locked_in(count, Status.OPEN)
    counted = list(count.lines.filter(actual__isnull=False))
    if not counted:
        raise Invalid("Nothing has been counted yet. Enter a number, or cancel the count.", field="lines")
    differing = {line.product_id: line.difference or 0 for line in counted if line.difference}
    hold_stock(differing)
    shifts = [Shift(product, count.location_id, change, 0) for product, change in differing.items()]
    shift_stock(actor, StockMovement.Reason.ADJUSTMENT, shifts, note=count.note, source=count.source)
    move_to(count, Status.APPLIED)
    data = {
        "number": count.number,
        "lines": len(counted),
        "differences": len(differing),
        "on_hand_change": sum(differing.values()),
    }
    record(actor=actor, verb="count.applied", target=count, data=data)
    return count


@transaction.atomic
def cancel_count(*, actor: Actor, count: StockDocument) -> StockDocument:
    """Give a count up; the books stay as they are."""
    count = locked_in(count, Status.OPEN)
    move_to(count, Status.CANCELLED)
    record(actor=actor, verb="count.cancelled", target=count, data={"number": count.number})
    return count
