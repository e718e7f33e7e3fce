"""The verbs of locations."""

from __future__ import annotations

import re
from typing import Any, Final, TypedDict, Unpack

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenant_apps.products.models import Location, StockDocument
from tenant_apps.products.writing import clean_line, clean_text, locked, refused_as
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid

CODE: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,15}")
LONGEST_ADDRESS: Final = 500


class LocationCodeTaken(Conflict):
    code = "location_code_taken"
    title = "A location with this code exists"


class LocationInUse(Conflict):
    code = "location_in_use"
    title = "The location is still in use"


class LocationChanges(TypedDict, total=False):
    """What of a location may change. Its code is for life: numbers of documents are made of it."""

    name: str
    address: str
    is_default: bool


@transaction.atomic
def create_location(*, actor: Actor, code: str, name: str, address: str = "") -> Location:
    """Add a place that stock can lie at."""
    location = Location(
        code=_clean_code(code), name=clean_line(name, field="name", most=120), address=_clean_address(address)
    )
    taken = LocationCodeTaken(f"A location with the code {location.code} exists already.", field="code")
    with refused_as(taken):
        location.save(force_insert=True)
    data = {"code": location.code, "name": location.name}
    record(actor=actor, verb="location.created", target=location, data=data)
    return location


@transaction.atomic
def update_location(*, actor: Actor, location: Location, **changes: Unpack[LocationChanges]) -> Location:
    """Change what is given and keep the rest; a new default takes the place of the one before it."""
    location = _locked_with_others(location) if changes.get("is_default") else locked(location)
    differences = _apply(location, changes)
    if "is_default" in differences:
        _give_default_to(location)
    if differences:
        location.save(update_fields=[*differences, "updated_at"])
        record(actor=actor, verb="location.updated", target=location, data={"changes": differences})
    return location


@transaction.atomic
def archive_location(*, actor: Actor, location: Location) -> Location:
    """Take an empty location out of use."""
    # The full row lock makes stock that is just being put here wait, and find the location archived.
    location = locked(location, deleting=True)
    if location.is_archived:
        return location
    _refuse_in_use(location)
    location.archived_at = timezone.now()
    location.save(update_fields=["archived_at", "updated_at"])
    record(actor=actor, verb="location.archived", target=location, data={"code": location.code})
    return location


@transaction.atomic
def restore_location(*, actor: Actor, location: Location) -> Location:
    """Take an archived location into use again."""
    location = locked(location)
    if location.is_archived:
        location.archived_at = None
        location.save(update_fields=["archived_at", "updated_at"])
        record(actor=actor, verb="location.restored", target=location, data={"code": location.code})
    return location


def _locked_with_others(location: Location) -> Location:
    """All locations locked in a fixed order: two that make defaults at once wait for each other."""
    list(Location.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    return locked(location)


def _give_default_to(location: Location) -> None:
    if location.is_archived:
        raise LocationInUse(
            f"{location} is archived. Restore it before it becomes the default.", field="is_default"
        )
    Location.objects.filter(is_default=True).update(is_default=False, updated_at=timezone.now())


def _apply(location: Location, changes: LocationChanges) -> dict[str, list[Any]]:
    clean: dict[str, Any] = dict(changes)
    if "name" in changes:
        clean["name"] = clean_line(changes["name"], field="name", most=120)
    if "address" in changes:
        clean["address"] = _clean_address(changes["address"])
    differences = {name: [getattr(location, name), value] for name, value in clean.items()}
    differences = {name: pair for name, pair in differences.items() if pair[0] != pair[1]}
    if differences.get("is_default") == [True, False]:
        raise Invalid(
            "One location is the default. Make another one the default instead.", field="is_default"
        )
    for name, (_, after) in differences.items():
        setattr(location, name, after)
    return differences


def _refuse_in_use(location: Location) -> None:
    if location.is_default:
        raise LocationInUse(f"{location} is the default location. Make another one the default first.")
    if lying := location.levels.filter(on_hand__gt=0).count():
        raise LocationInUse(
            f"{lying} products lie at {location}. Transfer or adjust them to 0 first.", products=lying
        )
    here = Q(location=location) | Q(destination=location)
    if waiting := StockDocument.objects.open().filter(here).order_by("number").first():
        raise LocationInUse(f"{waiting} is still open. Finish or cancel it first.", document=waiting.number)


def _clean_code(code: str) -> str:
    code = clean_line(code.upper(), field="code", most=16)
    if not CODE.fullmatch(code):
        raise Invalid(
            f"{code!r} is no code. Use up to 16 of A-Z, 0-9, point, dash and underscore, such as SHOP-2.",
            field="code",
        )
    return code


def _clean_address(address: str) -> str:
    address = clean_text(address, field="address")
    if len(address) > LONGEST_ADDRESS:
        raise Invalid(
            f"The address has {len(address)} characters; at most {LONGEST_ADDRESS} fit.", field="address"
        )
    return address
