"""The verbs of notes."""

from __future__ import annotations

from django.db import transaction

from tenant_apps.orders.customers.models import Customer, CustomerNote
from tenant_apps.orders.customers.standing import locked_customer
from tenant_apps.products.writing import clean_text, locked
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

LONGEST_NOTE = 10_000


@transaction.atomic
def add_note(*, actor: Actor, customer: Customer, text: str) -> CustomerNote:
    """Write something down about a customer, with the time and who wrote it."""
    customer, text = locked_customer(customer), clean_text(text, field="text")
    if not 0 < len(text) <= LONGEST_NOTE:
        raise Invalid(f"The note has {len(text)} characters; give 1 to {LONGEST_NOTE}.", field="text")
    note = CustomerNote(customer=customer, text=text, author_label=actor.label)
    note.save(force_insert=True)
    record(actor=actor, verb="customer.note_added", target=customer, data={"note": str(note.pk)})
    return note


@transaction.atomic
def remove_note(*, actor: Actor, note: CustomerNote) -> None:
    """Take a note away for good."""
    note = locked(note, deleting=True)
    record(actor=actor, verb="customer.note_removed", target=note.customer, data={"note": str(note.pk)})
    note.delete()
