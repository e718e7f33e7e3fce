"""Making and changing many customers at once, by their e-mail addresses, and taking one back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Lower

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.services import (
    apply_changes,
    create_customer,
    reference_taken,
    update_customer,
)
from tenant_apps.products.putting import Batch, Given, Put, put_together
from tenant_apps.products.writing import locked
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid


class EmailShared(Conflict):
    code = "email_shared"
    title = "Several customers have this address"


class CustomerInUse(Conflict):
    code = "customer_in_use"
    title = "Something belongs to this customer"


@transaction.atomic
def put_customers(*, actor: Actor, rows: Sequence[Given]) -> list[Put[Customer]]:
    """Create customers, or change those that have the addresses; a row that is refused leaves the others alone.

    Addresses are compared without regard to case, and each stands there once. The answer has one entry for each row.
    """
    return put_together(
        rows, lambda given: _Customers(actor, given).put(given), lambda row: _put_alone(actor, row)
    )


@transaction.atomic
def withdraw_customer(*, actor: Actor, customer: Customer) -> None:
    """Remove a customer that was made by mistake; refuses one that something belongs to."""
    customer = locked(customer, deleting=True)
    belongings = (customer.orders, customer.addresses, customer.notes, customer.absorbed)
    if customer.is_merged or customer.is_erased or any(each.exists() for each in belongings):
        raise CustomerInUse("The customer has orders, addresses or notes, or was merged or erased. Keep it.")
    record(actor=actor, verb="customer.withdrawn", target=customer)
    customer.delete()


class _Customers(Batch[Customer]):
    model, noun = Customer, "customer"

    def __init__(self, actor: Actor, rows: Sequence[Given]) -> None:
        super().__init__(actor)
        self._known = _by_email([row.key for row in rows])
        wanted = [row.values["reference"] for row in rows if row.values.get("reference")]
        self._taken = dict(Customer.objects.filter(reference__in=wanted).values_list("reference", "pk"))

    def judge(self, row: Given) -> Put[Customer]:
        known = _single(row, self._known.get(row.key, []))
        customer = known or Customer()
        before = {name: getattr(customer, name) for name in row.values}
        changed = apply_changes(customer, _complete(row, known))
        if self._taken.setdefault(customer.reference, customer.pk) != customer.pk and customer.reference:
            raise reference_taken(customer)
        if known is None:
            self.new.append(customer)
            return Put(customer)
        if changed:
            self.changed.append((customer, changed))
        return Put(customer, before)

    def told_changed(self, differences: Any) -> dict[str, Any]:
        return {"fields": differences}


def _by_email(emails: Sequence[str]) -> dict[str, list[Customer]]:
    """Customers by address, locked in the order of their ids."""
    rows = Customer.objects.listed().annotate(address=Lower("email")).filter(address__in=emails)
    found: dict[str, list[Customer]] = defaultdict(list)
    for customer in rows.order_by("pk").select_for_update(no_key=True):
        found[customer.email.lower()].append(customer)
    return found


def _single(row: Given, found: Sequence[Customer]) -> Customer | None:
    if len(found) > 1:
        raise EmailShared(
            f"{len(found)} customers have the address {row.key}. Merge them first.", field="email"
        )
    return found[0] if found else None


def _put_alone(actor: Actor, row: Given) -> Put[Customer]:
    known = _single(row, _by_email([row.key]).get(row.key, []))
    values = _complete(row, known)
    if known is None:
        return Put(create_customer(actor=actor, **values))
    before = {name: getattr(known, name) for name in row.values}
    return Put(update_customer(actor=actor, customer=known, **values), before)


def _complete(row: Given, known: Customer | None) -> Any:
    """What the row says; a new customer has its address as well, and needs a name."""
    if known is not None:
        return dict(row.values)
    if not row.values.get("name"):
        raise Invalid(f"There is no customer {row.key} yet, and a new one needs a name.", field="name")
    return {"email": row.key, **row.values}
