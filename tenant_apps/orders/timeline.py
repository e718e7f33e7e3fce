"""An order's way, for people: the stages it passes and what has happened to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from tenant_apps.orders.models import Fulfilment, Order, Payment
from tenants.audit.models import AuditEntry
from tenants.formats import money

TIMELINE: Final = 50


@dataclass(frozen=True)
class Stage:
    """One step of an order's way, with its time when it has been reached."""

    label: str
    at: datetime | None
    is_done: bool
    is_current: bool


@dataclass(frozen=True)
class Event:
    """One line of an order's timeline."""

    text: str
    actor: str
    at: datetime


def stages_of(order: Order) -> list[Stage]:
    """The way from draft to closed; a cancelled order and a credit have none."""
    if order.status == Order.Status.CANCELLED or order.kind == Order.Kind.CANCELLATION:
        return []
    status = Order.Status
    times = {
        status.DRAFT: order.created_at,
        status.PLACED: order.placed_at,
        status.PAID: order.paid_at,
        status.FULFILLED: order.fulfilled_at,
        status.CLOSED: order.closed_at,
    }
    if order.source == Order.Source.IMPORT:
        del times[status.DRAFT]
    reached = list(times).index(status(order.status))
    return [
        Stage(stage.label, at, is_done=place < reached, is_current=place == reached)
        for place, (stage, at) in enumerate(times.items())
    ]


def timeline_of(
    order: Order, *, payments: Sequence[Payment], deliveries: Sequence[Fulfilment]
) -> list[Event]:
    """What happened to the order, the newest first.

    What people have typed is not in the audit log: it is shown from the payments and deliveries that have it.
    """
    words = {str(payment.pk): {"reason": payment.reason} for payment in payments}
    words |= {
        str(each.pk): {"note": each.note, "carrier": each.carrier, "tracking_number": each.tracking_number}
        for each in deliveries
    }
    entries = AuditEntry.objects.about(order)[:TIMELINE]
    events = [Event(_told(entry, words), entry.actor_label, entry.at) for entry in entries]
    if not events and order.source == Order.Source.IMPORT:
        return [Event("Brought in by an import", "Import", order.created_at)]
    return events


def _told(entry: AuditEntry, words: Mapping[str, dict[str, str]]) -> str:
    tell = SENTENCES.get(entry.verb)
    data = {**entry.data, **words.get(entry.data.get("payment") or entry.data.get("fulfilment") or "", {})}
    return tell(data) if tell else entry.verb.removeprefix("order.").replace("_", " ").capitalize()


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _amount(data: dict[str, Any], name: str = "amount") -> str:
    return money(Decimal(data[name]), data.get("currency", "")) if data.get(name) else ""


def _because(text: str, data: dict[str, Any]) -> str:
    why = data.get("reason") or data.get("note")
    return f"{text}: {why}" if why else text


def _pieces(data: dict[str, Any]) -> str:
    count = data.get("pieces", 0)
    return f"{count} piece{'' if count == 1 else 's'}"


def _parcel(data: dict[str, Any]) -> str:
    named = " ".join(filter(None, (data.get("carrier"), data.get("tracking_number"))))
    return f" by {named}" if named else ""


def _edited(data: dict[str, Any]) -> str:
    return f"Edited; the total went from {_amount(data, 'total_before')} to {_amount(data, 'total')}"


def _paid(data: dict[str, Any]) -> str:
    received = _amount(data)
    return f"Paid in full, {received} received" if received else "Marked as paid"


def _closed(data: dict[str, Any]) -> str:
    count = data.get("pieces_left_out", 0)
    if not count:
        return "Closed"
    return f"Closed without {_pieces({'pieces': count})}; {_amount(data, 'refund_due')} to be given back"


def _fulfilled(data: dict[str, Any]) -> str:
    return f"Fulfilled; the goods left{_parcel(data)}"


def _returned(data: dict[str, Any]) -> str:
    where = ", back in stock" if data.get("restocked") else ""
    return _because(f"{_pieces(data)} came back{where}", data)


SENTENCES: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "order.created": lambda data: f"Draft written, {_lines(data.get('lines', 0))}",
    "order.lines_replaced": lambda data: f"Lines changed, {_lines(data.get('lines', 0))} now",
    "order.updated": lambda data: f"Changed: {', '.join(data.get('changed', [])).replace('_', ' ')}",
    "order.edited": _edited,
    "order.placed": lambda data: f"Placed as number {data.get('number', '')}; stock reserved",
    "order.paid": _paid,
    "order.payment_received": lambda data: f"{_amount(data)} received",
    "order.payment_started": lambda data: f"Payment of {_amount(data)} on its way",
    "order.payment_failed": lambda data: _because(f"Payment of {_amount(data)} failed", data),
    "order.refund_started": lambda data: _because(f"Refund of {_amount(data)} on its way", data),
    "order.refunded": lambda data: _because(f"{_amount(data)} given back", data),
    "order.refund_failed": lambda data: _because(f"Refund of {_amount(data)} failed", data),
    "order.partly_fulfilled": lambda data: f"{_pieces(data)} left{_parcel(data)}",
    "order.fulfilled": _fulfilled,
    "order.parcel_updated": lambda data: f"Parcel named{_parcel(data)}",
    "order.returned": _returned,
    "order.closed": _closed,
    "order.cancelled": lambda data: "Cancelled, with a note" if data.get("note_given") else "Cancelled",
}
