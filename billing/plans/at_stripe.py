"""How a plan version is said at Stripe: a product and a price for its base, and for each of its meters."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from billing.meters import METERS
from billing.plans.versions import PlanVersion
from billing.pricing.rating import ZERO, Mode, Price, Tier

BASE: Final = "base"
Params = dict[str, Any]


def product_id(key: str, name: str = BASE) -> str:
    """The id that we give to a plan's product, or to that of one of its meters, so that none can be made twice."""
    return f"rowhouse_{key}" if name == BASE else f"rowhouse_{key}_{name}"


def product_params(version: PlanVersion, name: str) -> Params:
    """A product as Stripe takes it. Its invoices name each line by the product, hence one for each meter."""
    if name == BASE:
        return {"name": version.name, "description": version.summary}
    meter = METERS[name]
    return {"name": f"{version.name}: {meter.title}", "description": f"By use: {meter.unit}"}


def lookup_key(version: PlanVersion, name: str) -> str:
    """The name of a price: Stripe gives it to one price only."""
    return f"{version.key}-v{version.number}-{name}"


def price_names(version: PlanVersion) -> list[str]:
    """What a version has prices for: "base" and meters."""
    base = [BASE] if version.terms.base else []
    return [*base, *(price.meter for price in version.terms.prices)]


def price_params(version: PlanVersion, name: str, meters: Mapping[str, str]) -> Params:
    """A price as Stripe takes it. `meters` has the ids of Stripe's meters by the names of their events."""
    recurring: Params = {"interval": version.interval}
    if name == BASE:
        charge: Params = {"unit_amount_decimal": in_cents(version.terms.base)}
    else:
        price = next(price for price in version.terms.prices if price.meter == name)
        charge = CHARGES[price.mode](price)
        recurring |= {"usage_type": "metered", "meter": meters[METERS[name].event_name]}
    return {
        "product": product_id(version.key, name),
        "currency": version.currency.lower(),
        "recurring": recurring,
        "lookup_key": lookup_key(version, name),
        "nickname": f"{version.name} v{version.number}, {name.replace('_', ' ')}",
        "metadata": {"plan": version.key, "version": str(version.number), "of": name},
        **charge,
    }


def content(price: Mapping[str, Any]) -> Params:
    """What a price charges, the same for our parameters and for Stripe's object: nothing of it can ever change."""
    recurring, packages = price.get("recurring") or {}, price.get("transform_quantity") or {}
    tiers = price.get("tiers") or []
    return {
        "currency": price["currency"],
        "interval": recurring.get("interval"),
        "times": recurring.get("interval_count") or 1,
        "meter": recurring.get("meter"),
        "unit": None if tiers else _number(price.get("unit_amount_decimal")),
        "mode": price.get("tiers_mode"),
        "tiers": [_tier(tier) for tier in tiers],
        "packages": (packages.get("divide_by"), packages.get("round")),
    }


def in_cents(amount: Decimal) -> str:
    """An amount as Stripe's decimal text."""
    return format((amount * 100).normalize(), "f")


def _graduated(price: Price) -> Params:
    """What is included is a first tier that costs nothing; the others begin behind it."""
    free = [_param(price.included, Tier(None))] if price.included else []
    paid = [_param(tier.up_to and price.included + tier.up_to, tier) for tier in price.tiers]
    return {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": [*free, *paid]}


def _volume(price: Price) -> Params:
    tiers = [_param(tier.up_to, tier) for tier in price.tiers]
    return {"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": tiers}


def _package(price: Price) -> Params:
    return {
        "unit_amount_decimal": in_cents(price.tiers[0].unit_amount),
        "transform_quantity": {"divide_by": price.package_size, "round": "up"},
    }


def _param(up_to: int | None, tier: Tier) -> Params:
    flat = {"flat_amount_decimal": in_cents(tier.flat_amount)} if tier.flat_amount else {}
    return {"up_to": up_to or "inf", "unit_amount_decimal": in_cents(tier.unit_amount), **flat}


def _tier(tier: Mapping[str, Any]) -> tuple[int | None, Decimal, Decimal]:
    up_to = tier["up_to"]
    bound = None if up_to in (None, "inf") else int(up_to)
    return bound, _number(tier.get("unit_amount_decimal")), _number(tier.get("flat_amount_decimal"))


def _number(text: object) -> Decimal:
    return Decimal(str(text)) if text is not None else ZERO


CHARGES: Final = {Mode.GRADUATED: _graduated, Mode.VOLUME: _volume, Mode.PACKAGE: _package}
