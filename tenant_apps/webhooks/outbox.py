"""The transactional outbox: an event and its deliveries are written with the change that they tell of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from tenant_apps.invoices.models import Invoice
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.models import Order
from tenant_apps.webhooks import due
from tenant_apps.webhooks.catalogue import CATALOGUE, ERASING, kind_of
from tenant_apps.webhooks.models import EVERYTHING, Delivery, Event
from tenants.api.renderers import dump_json
from tenants.audit.listening import Listener, Question, Recorded, listen
from tenants.models import uuid7

WANTED: Final = """ARRAY(
    SELECT id FROM webhooks_endpoint WHERE state <> 'disabled' AND event_types && %s::varchar[]
)"""
# FOR KEY SHARE: an endpoint that somebody deletes at this moment gets nothing, and breaks no order.
WRITE: Final = """
    WITH event AS (
        INSERT INTO webhooks_event (id, type, subject_id, details, occurred_at, body)
        VALUES (%s, %s, %s, %s, %s, '')
        RETURNING id
    ), wanting AS (
        SELECT endpoint.id, given.delivery_id
        FROM unnest(%s::uuid[], %s::uuid[]) AS given (endpoint_id, delivery_id)
        JOIN webhooks_endpoint AS endpoint ON endpoint.id = given.endpoint_id
        FOR KEY SHARE OF endpoint
    )
    INSERT INTO webhooks_delivery
        (id, endpoint_id, event_id, state, tries, attempts, created_at, updated_at)
    SELECT wanting.delivery_id, wanting.id, event.id, 'waiting', 0, '[]', now(), now() FROM wanting, event
"""


def subscribe() -> None:
    """Hear of everything in the catalogue, and of people who are forgotten."""
    names = {kind.caused_by: kind.name for kind in CATALOGUE.values()}
    for verb in {*names, *ERASING}:
        question = Question(WANTED, [[names.get(verb, ""), EVERYTHING]])
        listen(verb, _hear(names.get(verb)), question=question)


def _hear(name: str | None) -> Listener:
    def hear(recorded: Recorded) -> None:
        entry, endpoints = recorded.entry, recorded.answer
        if entry.verb in ERASING and entry.target_id is not None:
            forget(*_speaking_of(entry.target_id))
        if name is not None and endpoints:
            write_event(name, endpoints, subject_id=entry.target_id, details=entry.data, at=entry.at)

    return hear


def _speaking_of(customer: UUID) -> list[UUID]:
    """A person, whoever was merged into it, and what names them: orders with their addresses and notes, documents."""
    merged = Customer.objects.filter(merged_into=customer).values_list("pk", flat=True)
    people = [customer, *merged]
    orders = list(Order.objects.filter(customer__in=people).values_list("pk", flat=True))
    return [*people, *orders, *Invoice.objects.filter(order__in=orders).values_list("pk", flat=True)]


def write_event(
    name: str,
    endpoints: list[UUID],
    *,
    subject_id: UUID | None = None,
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> UUID:
    """Put one event into the outbox of some endpoints; they are told after the commit. Returns its id."""
    event_id, text = uuid7(), dump_json(details or {}).decode()
    deliveries = [uuid7() for _ in endpoints]
    values: list[Any] = [event_id, name, subject_id, text, at or timezone.now(), endpoints, deliveries]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, values)
    announce(endpoints)
    return event_id


def announce(endpoints: list[UUID]) -> None:
    """After the commit, have a worker look at these endpoints. If that fails, the sweep finds them."""
    transaction.on_commit(lambda: due.announce(endpoints), robust=True)


def body_of(event: Event) -> str:
    """The body of an event: made from the record as it is when it is sent first, then always the same."""
    if event.body:
        return event.body
    kind = kind_of(event.type)
    data = {"id": event.subject_id, "object": kind.object_of(event.subject_id), "details": event.details}
    body = dump_json({"type": event.type, "timestamp": event.occurred_at, "data": data}).decode()
    # Two endpoints may send it first at the same moment; the one that comes later takes what stands there.
    if Event.objects.filter(pk=event.pk, body="").update(body=body) == 0:
        body = Event.objects.values_list("body", flat=True).get(pk=event.pk) or body
    event.body = body
    return body


def forget(*subjects: UUID) -> None:
    """Take what was said of somebody out of the log. What still waits is made anew, of what is left of them."""
    events = Event.objects.filter(subject_id__in=subjects)
    Delivery.objects.filter(event__in=events.values("pk")).update(attempts=[])
    events.update(body="", details={})
