"""What transfers and counts share: their numbers, lines and states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from tenant_apps.products.models import Location, Product, StockDocument
from tenant_apps.products.shifting import LocationArchived
from tenant_apps.products.writing import locked
from tenants.errors import Conflict, Invalid

MOST_LINES: Final = 10_000


class DocumentRefused(Conflict):
    code = "document_refused"
    title = "The document's status does not allow this"


class UnknownGoods(Invalid):
    code = "unknown_product"
    title = "A line names no goods"


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """How many of a product: moved, arrived or counted, as the verb says."""

    product_id: UUID
    quantity: int
    note: str = ""


def new_document(
    *, kind: str, status: str, location: Location, destination: Location | None = None, note: str = ""
) -> StockDocument:
    """A document that begins at a location, with the next number there; not yet saved."""
    if archived := [place.name for place in (location, destination) if place and place.is_archived]:
        raise LocationArchived(
            f"{' and '.join(archived)} is archived. Restore it or choose another location.", field="location"
        )
    return StockDocument(
        kind=kind,
        status=status,
        number=_next_number(location),
        location=location,
        destination=destination,
        note=note,
    )


def _next_number(location: Location) -> str:
    """The location's row stays locked until the commit, and a rollback gives the number back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE products_location SET documents = documents + 1 WHERE id = %s RETURNING documents",
            [location.pk],
        )
        row = cursor.fetchone()
    if row is None:
        raise Invalid("This location does not exist. Choose another one.", field="location")
    return f"{location.code}-{row[0]}"


def locked_in(document: StockDocument, *statuses: str) -> StockDocument:
    """The document as it is now, locked; refuses other states than the given."""
    document = locked(document)
    if document.status not in statuses:
        raise DocumentRefused(
            f"{document} is {document.status}; this is possible while it is {' or '.join(statuses)}.",
            document_status=document.status,
        )
    return document


def move_to(document: StockDocument, status: str) -> None:
    """Note a locked document's new state and when that came about."""
    document.status = status
    if status == StockDocument.Status.SENT:
        document.sent_at = timezone.now()
    else:
        document.ended_at = timezone.now()
    document.save(update_fields=["status", "sent_at", "ended_at", "updated_at"])


def goods_of(lines: Sequence[DocumentLine], *, least: int) -> dict[UUID, Product]:
    """The lines' products by id; refuses what is unknown, no goods, named twice, or too few or too many."""
    if len(lines) > MOST_LINES:
        raise Invalid(
            f"A document has at most {MOST_LINES} lines, not {len(lines)}. Split it.", field="lines"
        )
    ids = [line.product_id for line in lines]
    if len(set(ids)) != len(ids):
        raise Invalid("A product stands on several lines. Name each once, with the sum.", field="lines")
    products = Product.objects.stocked().in_bulk(ids)
    if missing := [str(product_id) for product_id in ids if product_id not in products]:
        raise UnknownGoods(f"No goods have the id {', '.join(missing)}.", field="lines", ids=missing)
    if wrong := [line.quantity for line in lines if not least <= line.quantity <= 1_000_000]:
        raise Invalid(
            f"A quantity here is a whole number from {least} to 1000000, not {wrong[0]}.", field="lines"
        )
    return products
