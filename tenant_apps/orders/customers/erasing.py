"""Forgetting a person, as the law demands it, and keeping what the law demands as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, F, When
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import JSONObject
from django.utils import timezone

from tenant_apps.orders.customers.models import Address, Customer, CustomerNote
from tenant_apps.orders.customers.standing import locked_customer
from tenant_apps.orders.models import Fulfilment, Order, Payment
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid

ERASED_NAME: Final = "Erased customer"
# What apps above keep of a customer for the law: a word, and how many there are. They put themselves here.
KEEPERS: Final[dict[str, Callable[[Customer], int]]] = {}


class NameMismatch(Invalid):
    code = "name_mismatch"
    title = "The name does not match"


@dataclass(frozen=True)
class Erasure:
    """What became of a customer's data."""

    customer: Customer
    removed: dict[str, int]
    kept: dict[str, int]


@transaction.atomic
def erase_customer(*, actor: Actor, customer: Customer, name: str) -> Erasure:
    """Remove a person's data for ever; `name` repeats the customer's name, so that nobody is erased by accident.

    Placed orders keep numbers, goods and amounts and the countries they went to, invoices stay as they were issued:
    tax law asks for both. What people have typed about orders, payments and parcels goes. Whoever was merged into the
    customer is erased as well.
    """
    customer = locked_customer(customer)
    if name.strip() != customer.name:
        raise NameMismatch(
            f"Type the customer's name, {customer.name!r}, to erase it for ever.", field="name"
        )
    everyone = [customer.pk, *customer.absorbed.values_list("pk", flat=True)]
    removed = _remove(everyone)
    kept = kept_of(customer)
    _empty(everyone)
    customer.refresh_from_db()
    record(actor=actor, verb="customer.erased", target=customer, data={"removed": removed, "kept": kept})
    return Erasure(customer, removed, kept)


def kept_of(customer: Customer) -> dict[str, int]:
    """What of the customer stays by law after an erasure, counted."""
    orders = Order.objects.placed().filter(customer=customer).count()
    return {"orders": orders, **{word: count(customer) for word, count in KEEPERS.items()}}


def _remove(customers: list[Any]) -> dict[str, int]:
    addresses, _ = Address.objects.filter(customer__in=customers).delete()
    notes, _ = CustomerNote.objects.filter(customer__in=customers).delete()
    orders = Order.objects.filter(customer__in=customers)
    now = timezone.now()
    Payment.objects.filter(order__in=orders.values("pk")).update(reference="", reason="", updated_at=now)
    Fulfilment.objects.filter(order__in=orders.values("pk")).update(
        tracking_number="", note="", updated_at=now
    )
    orders.update(
        note="",
        discount_reason="",
        billing_address=_country_alone("billing_address"),
        shipping_address=_country_alone("shipping_address"),
        updated_at=now,
    )
    return {"addresses": addresses, "notes": notes}


def _country_alone(column: str) -> Case:
    """The country of an order's address, by which its tax was found; nothing where there was none."""
    given = When(
        **{f"{column}__has_key": "country"}, then=JSONObject(country=KeyTransform("country", F(column)))
    )
    return Case(given, default=None)


def _empty(customers: list[Any]) -> None:
    now = timezone.now()
    Customer.objects.filter(pk__in=customers).update(
        name=ERASED_NAME,
        reference=None,
        company="",
        email="",
        phone="",
        country="",
        vat_id="",
        language="",
        tags=[],
        note="",
        erased_at=now,
        updated_at=now,
    )
