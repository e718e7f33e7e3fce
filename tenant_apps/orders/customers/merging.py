"""Making one customer out of two."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenant_apps.orders.customers.services import MOST_TAGS
from tenant_apps.orders.customers.standing import CustomerErased, refuse_merged
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid, NotFound

FILLED: Final = ("company", "email", "phone", "country", "vat_id", "language", "reference")


@transaction.atomic
def merge_customers(*, actor: Actor, survivor: Customer, duplicate: Customer) -> Customer:
    """Give everything of the duplicate to the survivor, for good; the duplicate's id leads there from now on."""
    if survivor.pk == duplicate.pk:
        raise Invalid("A customer cannot be merged into itself. Choose another one.", field="duplicate")
    survivor, duplicate = _locked_pair(survivor, duplicate)
    moved = _move(survivor, duplicate)
    _fill(survivor, duplicate)
    record(
        actor=actor,
        verb="customer.merged",
        target=survivor,
        data={"duplicate": str(duplicate.pk), "merged_into": str(survivor.pk), **moved},
    )
    return survivor


def _locked_pair(survivor: Customer, duplicate: Customer) -> tuple[Customer, Customer]:
    """Both, locked in the order of their ids, also against orders that are being written for them."""
    rows = Customer.objects.filter(pk__in=[survivor.pk, duplicate.pk]).order_by("pk").select_for_update()
    found = {customer.pk: customer for customer in rows}
    if len(found) < 2:
        raise NotFound("One of these customers does not exist any more.")
    for customer in found.values():
        refuse_merged(customer)
        if customer.is_erased:
            raise CustomerErased("One of these customers was erased, which is final.")
    return found[survivor.pk], found[duplicate.pk]


def _move(survivor: Customer, duplicate: Customer) -> dict[str, int]:
    now = timezone.now()
    taken = {kind for address in survivor.addresses.filter(is_default=True) for kind in address.serves}
    for address in duplicate.addresses.filter(is_default=True):
        if address.serves & taken:
            Address.objects.filter(pk=address.pk).update(is_default=False)
    return {
        "orders": duplicate.orders.update(customer=survivor, updated_at=now),
        "addresses": duplicate.addresses.update(customer=survivor, updated_at=now),
        "notes": CustomerNote.objects.filter(customer=duplicate).update(customer=survivor, updated_at=now),
    }


def _fill(survivor: Customer, duplicate: Customer) -> None:
    """Let the survivor take what it lacks, and the duplicate keep nothing but its name and the way on."""
    given = {name: getattr(duplicate, name) for name in FILLED if not getattr(survivor, name)}
    given["tags"] = list(dict.fromkeys([*survivor.tags, *duplicate.tags]))[:MOST_TAGS]
    given["note"] = "\n\n".join(filter(None, [survivor.note, duplicate.note]))
    now = timezone.now()
    # The duplicate lets go of the reference first: it is unique.
    kept = {} if given.get("reference") is None else {"reference": None}
    Customer.objects.filter(pk=duplicate.pk).update(
        merged_into=survivor, tags=[], note="", email="", phone="", updated_at=now, **kept
    )
    # Who was merged into the duplicate before is led straight to the survivor.
    Customer.objects.filter(merged_into=duplicate).update(merged_into=survivor, updated_at=now)
    for name, value in given.items():
        setattr(survivor, name, value)
    survivor.save(update_fields=[*given, "updated_at"])
