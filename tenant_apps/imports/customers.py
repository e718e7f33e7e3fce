"""Files of customers: each row makes a customer or changes the one that has its e-mail address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tenant_apps.imports.models import Import, ImportedRecord
from tenant_apps.imports.rows import Reason, RowRejected, parse_customer, parse_text, shown
from tenant_apps.imports.staging import Accepted
from tenant_apps.imports.upserts import WORKER, RecordReader, Upsert, parse_words
from tenant_apps.orders.customers.many import put_customers, withdraw_customer
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.services import update_customer
from tenant_apps.products.putting import Given
from tenants.audit.listening import Recorded

LONGEST_EMAIL: Final = 254
LONGEST_NOTE: Final = 5_000


class CustomerReader(RecordReader):
    """Reads the rows of one file of customers."""

    key = "email"

    def parse_key(self, text: str) -> str:
        email = parse_text(text, "e-mail address", LONGEST_EMAIL)
        try:
            validate_email(email)
        except ValidationError as error:
            raise RowRejected(
                Reason.EMAIL_INVALID, f"“{shown(text)}” is no e-mail address such as ada@example.com."
            ) from error
        return email.lower()

    def parse(self, name: str, text: str) -> Any:
        if name == "tags":
            return parse_words(text, name)
        if name == "reference":
            return parse_customer(text)
        if name == "note":
            lines = [parse_text(line, name, LONGEST_NOTE) for line in text.splitlines()]
            return "\n".join(lines).strip()
        return parse_text(text, name.replace("_", " "), 200)


def _resolved(entry: Accepted) -> Given:
    values = dict(entry.row)
    return Given(values.pop("email"), values)


# Undoing


def _find(pk: UUID) -> Customer | None:
    """The customer as it is; one that was merged or erased since is another one."""
    return Customer.objects.listed().select_for_update(no_key=True).filter(pk=pk).first()


def _restore(customer: Customer, before: Mapping[str, Any]) -> None:
    values: Any = dict(before)
    update_customer(actor=WORKER, customer=customer, **values)


CUSTOMERS: Final = Upsert(
    noun="customer",
    reader=CustomerReader,
    phase=Import.Phase.CUSTOMERS,
    resolver=lambda job: _resolved,
    put=put_customers,
    find=_find,
    withdraw=lambda customer: withdraw_customer(actor=WORKER, customer=customer),
    restore=_restore,
)


def forget_person(recorded: Recorded) -> None:
    """Empty the notes of imports about somebody who is erased; such an import cannot be undone for them."""
    target: Any = recorded.target
    people = [target.pk, *target.absorbed.values_list("pk", flat=True)]
    for note in ImportedRecord.objects.filter(record_id__in=people).exclude(after={}):
        note.key, note.before, note.after = str(note.record_id), {}, {}
        note.save(update_fields=["key", "before", "after"])
