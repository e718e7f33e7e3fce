"""Transfers: stock that leaves one location and arrives at another, at once or after a journey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from tenant_apps.products.documents import DocumentLine, goods_of, locked_in, move_to, new_document
from tenant_apps.products.ledger import hold_stock
from tenant_apps.products.models import Location, StockDocument, StockDocumentLine, StockMovement
from tenant_apps.products.shifting import Shift, shift_stock
from tenant_apps.products.writing import clean_line
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

Status = StockDocument.Status
TRANSFER: Final = StockMovement.Reason.TRANSFER


@transaction.atomic
def create_transfer(
    *,
    actor: Actor,
    location: Location,
    destination: Location,
    lines: Sequence[DocumentLine] = (),
    note: str = "",
    at_once: bool = False,
) -> StockDocument:
    """Write down what is to go where; with `at_once` it has left and arrived by the same act."""
    if location == destination:
        raise Invalid("A transfer leads to another location than it begins at.", field="destination")
    note = clean_line(note, field="note", most=500, needed=False)
    transfer = new_document(
        kind=StockDocument.Kind.TRANSFER,
        status=Status.DRAFT,
        location=location,
        destination=destination,
        note=note,
    )
    transfer.save(force_insert=True)
    _write_lines(transfer, lines)
    data = {"number": transfer.number, "from": location.code, "to": destination.code, "lines": len(lines)}
    record(actor=actor, verb="transfer.created", target=transfer, data=data)
    if at_once:
        send_transfer(actor=actor, transfer=transfer)
        return receive_transfer(actor=actor, transfer=transfer)
    return transfer


@transaction.atomic
def set_transfer_lines(
    *, actor: Actor, transfer: StockDocument, lines: Sequence[DocumentLine]
) -> StockDocument:
    """Put products on a draft, or change how many; a quantity of 0 takes the product off."""
    transfer = locked_in(transfer, Status.DRAFT)
    _write_lines(transfer, lines)
    transfer.save(update_fields=["updated_at"])
    data = {"number": transfer.number, "lines": len(lines)}
    record(actor=actor, verb="transfer.changed", target=transfer, data=data)
    return transfer


def _write_lines(transfer: StockDocument, lines: Sequence[DocumentLine]) -> None:
    goods_of(lines, least=0)
    gone = [line.product_id for line in lines if not line.quantity]
    transfer.lines.filter(product__in=gone).delete()
    StockDocumentLine.objects.bulk_create(
        [
            StockDocumentLine(
                document=transfer,
                product_id=line.product_id,
                expected=line.quantity,
                note=clean_line(line.note, field="note", most=200, needed=False),
            )
            for line in lines
            if line.quantity
        ],
        update_conflicts=True,
        unique_fields=["document", "product"],
        update_fields=["expected", "note", "updated_at"],
    )


@transaction.atomic
def send_transfer(*, actor: Actor, transfer: StockDocument) -> StockDocument:
    """Let the goods leave; until they arrive they are on hand nowhere."""
    transfer = locked_in(transfer, Status.DRAFT)
    lines = list(transfer.lines.all())
    if not lines:
        raise Invalid("A transfer without lines cannot be sent. Add at least one product.", field="lines")
    _shift(actor, transfer, {line.product_id: -line.expected for line in lines}, at=transfer.location_id)
    move_to(transfer, Status.SENT)
    data = {"number": transfer.number, "pieces": sum(line.expected for line in lines)}
    record(actor=actor, verb="transfer.sent", target=transfer, data=data)
    return transfer


@transaction.atomic
def receive_transfer(
    *,
    actor: Actor,
    transfer: StockDocument,
    lines: Sequence[DocumentLine] | None = None,
    complete: bool = True,
    note: str = "",
) -> StockDocument:
    """Book what arrived: everything, or what the lines say.

    A complete receipt ends the transfer, and what is missing then is its difference; another one lets it wait for the
    rest.
    """
    transfer = locked_in(transfer, Status.SENT)
    note = clean_line(note, field="note", most=500, needed=False)
    on_paper = {line.product_id: line for line in transfer.lines.all()}
    arrived = _arrived(on_paper, lines)
    _shift(actor, transfer, arrived, at=transfer.destination_id)
    _note_arrivals(on_paper, arrived, lines or ())
    missing = sum(line.outstanding for line in on_paper.values())
    transfer.note = note or transfer.note
    transfer.save(update_fields=["note", "updated_at"])
    if complete or not missing:
        move_to(transfer, Status.RECEIVED)
    data = {"number": transfer.number, "pieces": sum(arrived.values()), "missing": missing, "note": note}
    record(actor=actor, verb="transfer.received", target=transfer, data=data)
    return transfer


@transaction.atomic
def cancel_transfer(*, actor: Actor, transfer: StockDocument) -> StockDocument:
    """Call a transfer off; what is still on its way goes back to where it came from."""
    transfer = locked_in(transfer, Status.DRAFT, Status.SENT)
    back = {}
    if transfer.status == Status.SENT:
        back = {line.product_id: line.outstanding for line in transfer.lines.all()}
    _shift(actor, transfer, back, at=transfer.location_id)
    move_to(transfer, Status.CANCELLED)
    data = {"number": transfer.number, "returned": sum(back.values())}
    record(actor=actor, verb="transfer.cancelled", target=transfer, data=data)
    return transfer


def _arrived(
    on_paper: dict[UUID, StockDocumentLine], lines: Sequence[DocumentLine] | None
) -> dict[UUID, int]:
    if lines is None:
        return {product: line.outstanding for product, line in on_paper.items()}
    products = goods_of(lines, least=0)
    for line in lines:
        sent = on_paper.get(line.product_id)
        if sent is None or line.quantity > sent.outstanding:
            raise Invalid(
                f"Of {products[line.product_id].sku} {sent.outstanding if sent else 0} are on their way, not"
                f" {line.quantity}. Book at most those, and what is found beyond them by an adjustment.",
                field="lines",
            )
    return {line.product_id: line.quantity for line in lines}


def _note_arrivals(
    on_paper: dict[UUID, StockDocumentLine], arrived: dict[UUID, int], lines: Sequence[DocumentLine]
) -> None:
    notes = {line.product_id: clean_line(line.note, field="note", most=200, needed=False) for line in lines}
    for product, line in on_paper.items():
        line.actual = (line.actual or 0) + arrived.get(product, 0)
        line.note = notes.get(product) or line.note
    StockDocumentLine.objects.bulk_update(on_paper.values(), ["actual", "note"])


def _shift(actor: Actor, transfer: StockDocument, changes: dict[UUID, int], *, at: UUID | None) -> None:
    changes = {product: change for product, change in changes.items() if change}
    if changes and at:
        hold_stock(changes)
        shifts = [Shift(product, at, change, 0) for product, change in changes.items()]
        shift_stock(actor, TRANSFER, shifts, source=transfer.source)
