"""The verbs that write customers themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.standing import locked_customer
from tenant_apps.orders.errors import ReferenceTaken
from tenant_apps.products.writing import clean_line, clean_text, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

LONGEST: Final = {"name": 200, "company": 200, "reference": 64, "email": 254, "phone": 40, "country": 60}
MOST_TAGS, LONGEST_TAG = 50, 40
VAT_ID = re.compile(r"[A-Z0-9+*]{4,20}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")


class CustomerFields(TypedDict, total=False):
    """What is kept about a customer besides the name."""

    reference: str | None
    company: str
    email: str
    phone: str
    country: str
    vat_id: str
    language: str
    tags: list[str]
    note: str


class CustomerChanges(CustomerFields, total=False):
    """What of a customer may change."""

    name: str


# The audit log cannot be changed, not even to erase somebody: nothing personal goes into `data` here or nearby.


@transaction.atomic
def create_customer(*, actor: Actor, name: str, **fields: Unpack[CustomerFields]) -> Customer:
    """Create a customer; the reference, where given, is unique."""
    customer = Customer()
    apply_changes(customer, CustomerChanges(name=name, **fields))
    with refused_as(reference_taken(customer)):
        customer.save(force_insert=True)
    record(actor=actor, verb="customer.created", target=customer)
    return customer


@transaction.atomic
def update_customer(*, actor: Actor, customer: Customer, **changes: Unpack[CustomerChanges]) -> Customer:
    """Change what is given and keep the rest; returns the customer as it is now."""
    customer = locked_customer(customer)
    if changed := apply_changes(customer, changes):
        with refused_as(reference_taken(customer)):
            customer.save(update_fields=[*changed, "updated_at"])
        record(actor=actor, verb="customer.updated", target=customer, data={"fields": changed})
    return customer


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags in small letters, each once, in the order given."""
    cleaned = [clean_line(tag, field="tags", most=LONGEST_TAG).lower() for tag in tags]
    if strange := next((tag for tag in cleaned if "," in tag), None):
        raise Invalid(f"The tag {strange!r} has a comma. Give two tags instead.", field="tags")
    unique = list(dict.fromkeys(cleaned))
    if len(unique) > MOST_TAGS:
        raise Invalid(f"These are {len(unique)} tags; a customer has at most {MOST_TAGS}.", field="tags")
    return unique


def apply_changes(customer: Customer, changes: CustomerChanges) -> list[str]:
    """Put the cleaned changes on the customer; returns the names of the fields that differ."""
    changed = []
    for field, given in changes.items():
        cleaned = _clean(field, given)
        if getattr(customer, field) != cleaned:
            setattr(customer, field, cleaned)
            changed.append(field)
    return changed


def _clean(field: str, given: Any) -> Any:
    if field in CLEANERS:
        return CLEANERS[field](given)
    line = clean_line(given or "", field=field, most=LONGEST[field], needed=field == "name")
    return line or None if field == "reference" else line


def clean_vat_id(given: str) -> str:
    """A VAT id in capitals, without what people put between its parts."""
    plain = re.sub(r"[\s.\-/]", "", given).upper()
    if plain and not VAT_ID.fullmatch(plain):
        raise Invalid(
            f"{given!r} is no VAT id. Give 4 to 20 letters and digits, such as DE123456789.", field="vat_id"
        )
    return plain


def _clean_language(given: str) -> str:
    if given and not LANGUAGE.fullmatch(given):
        raise Invalid(f"{given!r} is no language. Give a code such as de or pt-BR.", field="language")
    return given


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "note": lambda given: clean_text(given, field="note"),
    "tags": clean_tags,
    "vat_id": clean_vat_id,
    "language": _clean_language,
}


def reference_taken(customer: Customer) -> ReferenceTaken:
    """The refusal of a reference that another customer has."""
    return ReferenceTaken(
        f"Another customer has the reference {customer.reference!r}. Update that one, or choose another.",
        field="reference",
    )
