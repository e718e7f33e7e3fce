"""Every write to customers."""

from __future__ import annotations

from typing import Any, Final, TypedDict, Unpack

from django.db import transaction

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.errors import ReferenceTaken
from tenant_apps.products.writing import clean_line, clean_text, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record

LONGEST: Final = {"name": 200, "reference": 64, "email": 254, "phone": 40, "country": 60}


class CustomerFields(TypedDict, total=False):
    """What is kept about a customer besides the name."""

    reference: str | None
    email: str
    phone: str
    country: str
    note: str


class CustomerChanges(CustomerFields, total=False):
    """What of a customer may change."""

    name: str


@transaction.atomic
def create_customer(*, actor: Actor, name: str, **fields: Unpack[CustomerFields]) -> Customer:
    """Create a customer; the reference, where given, is unique."""
    customer = Customer()
    _apply(customer, CustomerChanges(name=name, **fields))
    with refused_as(_reference_taken(customer)):
        customer.save(force_insert=True)
    record(actor=actor, verb="customer.created", target=customer, data={"name": customer.name})
    return customer


@transaction.atomic
def update_customer(*, actor: Actor, customer: Customer, **changes: Unpack[CustomerChanges]) -> Customer:
    """Change what is given and keep the rest; returns the customer as it is now."""
    customer = locked(customer)
    if changed := _apply(customer, changes):
        with refused_as(_reference_taken(customer)):
            customer.save(update_fields=[*changed, "updated_at"])
        record(actor=actor, verb="customer.updated", target=customer, data={"fields": changed})
    return customer


def _apply(customer: Customer, changes: CustomerChanges) -> list[str]:
    """Put the cleaned changes on the customer; returns the names of the fields that differ."""
    changed = []
    for field, given in changes.items():
        cleaned = _clean(field, given)
        if getattr(customer, field) != cleaned:
            setattr(customer, field, cleaned)
            changed.append(field)
    return changed


def _clean(field: str, given: Any) -> str | None:
    if field == "note":
        return clean_text(given, field=field)
    line = clean_line(given or "", field=field, most=LONGEST[field], needed=field == "name")
    return line or None if field == "reference" else line


def _reference_taken(customer: Customer) -> ReferenceTaken:
    return ReferenceTaken(
        f"Another customer has the reference {customer.reference!r}. Update that one, or choose another.",
        field="reference",
    )
