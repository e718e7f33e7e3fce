"""What a tenant says of itself: its name, its language, the zone of its days and the currency of its prices."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID
from zoneinfo import available_timezones

from django.db import transaction

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, check_company
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.errors import Invalid
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS

LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
# ISO 4217 without funds, metals and what is for testing.
CURRENCIES: Final = tuple(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG".split()
)
# Apps above put themselves here: what refuses a change of a tenant's settings, and what follows one after its commit.
REFUSALS: Final[list[Callable[[Tenant, dict[str, str]], None]]] = []
FOLLOWERS: Final[list[Callable[[Tenant, dict[str, str]], None]]] = []


class WorkspaceChanges(TypedDict, total=False):
    """What of a workspace its people may change."""

    name: str
    locale: str
    time_zone: str
    currency: str


def change_workspace(*, client_id: UUID, actor: Actor, **changes: Unpack[WorkspaceChanges]) -> Client:
    """Change what is given; every process knows within two seconds, and searches follow the language soon after.

    Orders and products keep the currency that they have, and days are cut anew by the new zone.
    """
    cleaned = {field: CLEANERS[field](given) for field, given in changes.items()}
    with transaction.atomic(using=CONTROL_ALIAS):
        client = Client.objects.using(CONTROL_ALIAS).select_for_update().get(pk=client_id)
        before = {
            field: getattr(client, field) for field in cleaned if getattr(client, field) != cleaned[field]
        }
        if before:
            _write(client, actor, before, {field: cleaned[field] for field in before})
    directory.forget()
    return client


def _write(client: Client, actor: Actor, before: dict[str, str], after: dict[str, str]) -> None:
    for refuse in REFUSALS:
        refuse(as_tenant(client), after)
    for field, value in after.items():
        setattr(client, field, value)
    client.save(using=CONTROL_ALIAS, update_fields=[*after, "updated_at"])
    data = {field: {"from": before[field], "to": after[field]} for field in after}
    record(actor=actor, verb="client.workspace_changed", target=client, data=data, using=CONTROL_ALIAS)
    raise_version(CONTROL_ALIAS)
    for follow in FOLLOWERS:
        # Robust: what follows is made up for every day, and a queue that is down must not turn this into an error.
        transaction.on_commit(
            lambda follow=follow: follow(as_tenant(client), after),  # type: ignore[misc]  # bound at once
            using=CONTROL_ALIAS,
            robust=True,
        )


@cache
def time_zones() -> tuple[str, ...]:
    """The zones of places, which know when their clocks change, and UTC."""
    areas = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return ("UTC", *sorted(zone for zone in available_timezones() if zone.startswith(areas)))


def _name(given: str) -> str:
    check_company(given)
    return given.strip()


def _locale(given: str) -> str:
    if not LOCALE.fullmatch(given):
        raise Invalid(f"{given!r} is no language. Give a code such as en, de or pt-BR.", field="locale")
    return given


def _time_zone(given: str) -> str:
    if given not in time_zones():
        raise Invalid(f"{given!r} is no time zone. Give a place such as Europe/London.", field="time_zone")
    return given


def _currency(given: str) -> str:
    if given not in CURRENCIES:
        raise Invalid(
            f"{given!r} is no currency. Give three capital letters of ISO 4217, such as EUR.",
            field="currency",
        )
    return given


CLEANERS: Final[dict[str, Callable[[Any], str]]] = {
    "name": _name,
    "locale": _locale,
    "time_zone": _time_zone,
    "currency": _currency,
}
