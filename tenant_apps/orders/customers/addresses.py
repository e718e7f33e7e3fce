"""The verbs of addresses, and the copy of them that an order keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

from django.db import transaction

from tenant_apps.orders.customers.countries import clean_country
from tenant_apps.orders.customers.models import KINDS, Address, Customer
from tenant_apps.orders.customers.standing import buyer, locked_customer
from tenant_apps.products.writing import clean_choice, clean_line
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid, NotFound

if TYPE_CHECKING:
    from tenant_apps.orders.models import Order

LONGEST: Final = {
    "name": 200,
    "company": 200,
    "line1": 200,
    "line2": 200,
    "postal_code": 20,
    "city": 100,
    "region": 100,
    "phone": 40,
}
NEEDED: Final = frozenset({"line1", "city"})
COPIED: Final = ("name", "company", "line1", "line2", "postal_code", "city", "region", "country", "phone")
MOST_ADDRESSES: Final = 100


class AddressFields(TypedDict, total=False):
    """What an address consists of."""

    kind: str
    is_default: bool
    name: str
    company: str
    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str
    phone: str


@transaction.atomic
def add_address(*, actor: Actor, customer: Customer, **fields: Unpack[AddressFields]) -> Address:
    """Add an address; the first one for a kind is its default."""
    customer = locked_customer(customer)
    others = list(customer.addresses.all())
    if len(others) >= MOST_ADDRESSES:
        raise Invalid(f"A customer has at most {MOST_ADDRESSES} addresses. Remove one first.")
    address = Address(customer=customer)
    _apply(address, {"line1": "", "city": "", "country": "", **fields})
    taken = {kind for other in others if other.is_default for kind in other.serves}
    address.is_default = fields.get("is_default", not address.serves & taken)
    _make_room(address, others)
    address.save(force_insert=True)
    record(actor=actor, verb="customer.address_added", target=customer, data=_told(address))
    return address


@transaction.atomic
def change_address(*, actor: Actor, address: Address, **changes: Unpack[AddressFields]) -> Address:
    """Change what is given of an address. Orders keep the one that they were placed with."""
    address = _locked(address)
    if changed := _apply(address, dict(changes)):
        _make_room(address, address.customer.addresses.exclude(pk=address.pk))
        address.save(update_fields=[*changed, "updated_at"])
        record(
            actor=actor,
            verb="customer.address_changed",
            target=address.customer,
            data={**_told(address), "fields": changed},
        )
    return address


@transaction.atomic
def remove_address(*, actor: Actor, address: Address) -> None:
    """Remove an address. Orders keep the one that they were placed with."""
    address = _locked(address)
    record(actor=actor, verb="customer.address_removed", target=address.customer, data=_told(address))
    address.delete()


def snapshot_addresses(order: Order) -> dict[str, Any]:
    """What the verb that places an order keeps of its customer: who it is for and the two addresses of the moment.

    The values of the columns `customer`, `billing_address` and `shipping_address`; a draft whose customer was merged
    meanwhile goes to the survivor.
    """
    customer = buyer(order.customer)
    if customer is None:
        return {}
    found = {
        kind: address for address in customer.addresses.filter(is_default=True) for kind in address.serves
    }
    return {
        "customer": customer,
        **{f"{kind}_address": _copy(customer, found.get(kind)) for kind in sorted(KINDS)},
    }


def _copy(customer: Customer, address: Address | None) -> dict[str, str]:
    """An address as an order keeps it; the customer's own data fill what it leaves open."""
    copied = {name: getattr(address, name) for name in COPIED} if address else {}
    copied["name"] = copied.get("name") or customer.name
    copied["company"] = copied.get("company") or customer.company
    return {name: value for name, value in copied.items() if value}


def _locked(address: Address) -> Address:
    """The address as it is now, behind the lock of its customer, which settles who is the default."""
    customer = locked_customer(address.customer)
    fresh = customer.addresses.filter(pk=address.pk).first()
    if fresh is None:
        raise NotFound("This address does not exist any more.")
    fresh.customer = customer
    return fresh


def _make_room(address: Address, others: Iterable[Address]) -> None:
    """A new default ends the one that there was."""
    if not address.is_default:
        return
    for other in others:
        if other.is_default and other.serves & address.serves:
            other.is_default = False
            other.save(update_fields=["is_default", "updated_at"])


def _apply(address: Address, changes: dict[str, Any]) -> list[str]:
    changed = []
    for field, given in changes.items():
        cleaned = _clean(field, given)
        if getattr(address, field) != cleaned:
            setattr(address, field, cleaned)
            changed.append(field)
    return changed


def _clean(field: str, given: Any) -> Any:
    if field == "country":
        return clean_country(given)
    if field == "kind":
        return clean_choice(given, Address.Kind, field="kind")
    if field == "is_default":
        return bool(given)
    return clean_line(given, field=field, most=LONGEST[field], needed=field in NEEDED)


def _told(address: Address) -> dict[str, Any]:
    return {"address": str(address.pk), "kind": address.kind, "is_default": address.is_default}
