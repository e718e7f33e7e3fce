"""The seller's data: read for documents, changed in the settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction

from tenant_apps.invoices.errors import SellerIncomplete
from tenant_apps.invoices.models import SELLER_ID, Seller
from tenant_apps.orders.customers.countries import clean_country
from tenant_apps.orders.customers.services import clean_vat_id
from tenant_apps.products.writing import clean_choice, clean_line, clean_text
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

LONGEST: Final = {
    "legal_name": 200,
    "line1": 200,
    "line2": 200,
    "postal_code": 20,
    "city": 100,
    "region": 100,
    "email": 254,
    "phone": 40,
}
SAID: Final = {
    "legal_name": "the legal name",
    "line1": "the address",
    "city": "the city",
    "country": "the country",
}
LONGEST_FOOTER, MOST_DAYS = 1_000, 365
PREFIX = re.compile(r"[A-Za-z0-9/_.-]{0,10}")


class SellerChanges(TypedDict, total=False):
    """What of the seller's data may change."""

    legal_name: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str
    vat_id: str
    email: str
    phone: str
    footer: str
    invoice_prefix: str
    credit_note_prefix: str
    payment_days: int
    issuing: str


def seller() -> Seller:
    """The tenant's seller, filled in or not."""
    return Seller.objects.get(pk=SELLER_ID)


@transaction.atomic
def update_seller(*, actor: Actor, **changes: Unpack[SellerChanges]) -> Seller:
    """Change what is given of the seller's data. Documents that were issued keep theirs."""
    row = Seller.objects.select_for_update(no_key=True).get(pk=SELLER_ID)
    cleaned = {field: _clean(field, given) for field, given in changes.items()}
    changed = [field for field, value in cleaned.items() if getattr(row, field) != value]
    for field in changed:
        setattr(row, field, cleaned[field])
    _check(row)
    if changed:
        row.save(update_fields=[*changed, "updated_at"])
        record(actor=actor, verb="seller.updated", target=row, data={"fields": changed})
    return row


def require_complete(row: Seller) -> None:
    """Refuse to issue a document that would not say who sells."""
    if missing := row.missing:
        words = ", ".join(SAID.get(name, name) for name in missing)
        raise SellerIncomplete(
            f"Documents have to name the seller. Fill in under Settings, Invoices: {words}.", missing=missing
        )


def _check(row: Seller) -> None:
    if row.issuing != Seller.Issuing.ON_REQUEST:
        require_complete(row)
    if row.invoice_prefix == row.credit_note_prefix:
        raise Invalid("Invoices and credit notes need prefixes that differ.", field="credit_note_prefix")


def _clean(field: str, given: Any) -> Any:
    if field in CLEANERS:
        return CLEANERS[field](given)
    return clean_line(given, field=field, most=LONGEST[field], needed=False)


def _clean_footer(given: str) -> str:
    text = clean_text(given, field="footer")
    if len(text) > LONGEST_FOOTER:
        raise Invalid(f"The footer has {len(text)} characters; {LONGEST_FOOTER} fit.", field="footer")
    return text


def _clean_prefix(given: str, field: str) -> str:
    if not PREFIX.fullmatch(given):
        raise Invalid(
            f"{given!r} is no prefix. Give at most 10 letters, digits and the signs - / _ and the dot.",
            field=field,
        )
    return given


def _clean_days(given: int) -> int:
    if not 0 <= given <= MOST_DAYS:
        raise Invalid(f"Give 0 to {MOST_DAYS} days, not {given}.", field="payment_days")
    return given


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "country": lambda given: clean_country(given) if given else "",
    "vat_id": clean_vat_id,
    "footer": _clean_footer,
    "invoice_prefix": lambda given: _clean_prefix(given, "invoice_prefix"),
    "credit_note_prefix": lambda given: _clean_prefix(given, "credit_note_prefix"),
    "payment_days": _clean_days,
    "issuing": lambda given: clean_choice(given, Seller.Issuing, field="issuing"),
}
