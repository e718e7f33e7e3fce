"""What Stripe lacks of the plan files, or has otherwise: found step by step, each with what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from billing.meters import METERS, Meter
from billing.models import PublishedPlan
from billing.plans.at_stripe import (
    BASE,
    content,
    lookup_key,
    price_names,
    price_params,
    product_id,
    product_params,
)
from billing.plans.versions import PlanVersion
from billing.stripe.client import Stripe

Object = dict[str, Any]
Catalogue = Mapping[str, tuple[PlanVersion, ...]]
# The name that we gave a product last, to tell a new name in the file from one that somebody gave at Stripe.
OUR_NAME: Final = "rowhouse_name"


class Sign(StrEnum):
    """What a step is, in one character."""

    NEW = "+"
    CHANGED = "~"
    SAME = "="
    DRIFT = "!"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is compared. What is neither the same nor has something to do stops everything."""

    sign: Sign
    what: str
    text: str
    do: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    @property
    def stops(self) -> bool:
        """Whether people have to decide first."""
        return self.sign is not Sign.SAME and self.do is None

    def __str__(self) -> str:
        return f"{self.sign} {self.what}: {self.text}"


class Found:
    """What there is at Stripe of what the plans need; what is made on the way is added."""

    def __init__(self, stripe: Stripe, catalogue: Catalogue) -> None:
        self._stripe = stripe
        products = [
            product_id(key, name)
            for key, versions in catalogue.items()
            if _paid(versions)
            for name in _product_names(versions)
        ]
        self.meters: dict[str, Object] = {}
        for meter in sorted(self._all("billing.meters"), key=lambda meter: meter["status"], reverse=True):
            # Sorted so that an active one takes the place of one that was given up.
            self.meters[meter["event_name"]] = meter
        self.products = {each["id"]: each for each in self._all("products", ids=products)}
        # All in one list: a call for each product would be twelve.
        prices = self._all("prices", expand=["data.tiers"])
        self.prices = {price["id"]: price for price in prices if price["product"] in self.products}

    def price(self, version: PlanVersion, name: str, published: PublishedPlan | None) -> Object | None:
        """The price that was published, or one that was made and not yet written down."""
        given = published.prices.get(name) if published else None
        if given in self.prices:
            return self.prices[given]
        key = lookup_key(version, name)
        return next((price for price in self.prices.values() if price["lookup_key"] == key), None)

    def send(self, call: str, *ids: str, deed: str, **params: Any) -> Object:
        """Do something. Names that Stripe gives once only keep it single, so that the key need not outlive the try.

        A key that was used before would have Stripe repeat its answer for a day, a 500 as well.
        """
        made = self._stripe.send(
            lambda client: _attribute(client.v1, call), *ids, key=f"{deed}:{uuid4()}", params=params
        )
        return _plain(made)

    def _all(self, call: str, **params: Any) -> list[Object]:
        rows = self._stripe.read_all(lambda client: _attribute(client.v1, f"{call}.list"), params=params)
        return [_plain(row) for row in rows]


def find_steps(
    found: Found,
    catalogue: Catalogue,
    publish: Callable[[PlanVersion, dict[str, str]], None],
) -> Iterator[Step]:
    """Everything that is compared, in the order in which it is done."""
    published = {(row.key, row.number): row for row in PublishedPlan.objects.all()}
    for meter in METERS.values():
        yield _meter(found, meter)
    for key, versions in catalogue.items():
        if _paid(versions):
            yield from (_product(found, versions[-1], name) for name in _product_names(versions))
        for version in versions:
            row = published.pop((key, version.number), None)
            yield from (_price(found, version, name, row) for name in price_names(version))
            yield _version(found, version, row, publish)
    for row in published.values():
        yield Step(Sign.DRIFT, f"plan {row}", f"is published and has gone from {row.key}.toml. Put it back.")


def _meter(found: Found, meter: Meter) -> Step:
    what, there = f"meter {meter.event_name}", found.meters.get(meter.event_name)
    if there is None:
        return Step(Sign.NEW, what, f"is made: the {meter.formula} of {meter.unit}", _making(found, meter))
    formula = there["default_aggregation"]["formula"]
    if formula != meter.formula:
        text = f"adds up by {formula} at Stripe, by {meter.formula} in billing/meters.py; give it another event_name."
        return Step(Sign.DRIFT, what, text)
    if there["status"] != "active":
        text = "was deactivated at Stripe, which takes no use for it; it is activated again"
        return Step(Sign.DRIFT, what, text, _meter_change(found, there, "billing.meters.reactivate"))
    if there["display_name"] != meter.title:
        change = _meter_change(found, there, "billing.meters.update", display_name=meter.title)
        return Step(Sign.CHANGED, what, f"is renamed from {there['display_name']} to {meter.title}", change)
    return Step(Sign.SAME, what, there["id"])


def _making(found: Found, meter: Meter) -> Callable[[], None]:
    def make() -> None:
        found.meters[meter.event_name] = found.send(
            "billing.meters.create",
            deed=f"meter:{meter.event_name}",
            display_name=meter.title,
            event_name=meter.event_name,
            default_aggregation={"formula": meter.formula},
        )

    return make


def _meter_change(found: Found, meter: Object, call: str, **params: Any) -> Callable[[], None]:
    return lambda: meter.update(found.send(call, meter["id"], deed=f"meter:{meter['id']}", **params))


def _product(found: Found, newest: PlanVersion, of: str) -> Step:
    params = product_params(newest, of)
    name, title = product_id(newest.key, of), params["name"]
    what, there = f"product {name}", found.products.get(name)
    values = {**params, "metadata": {OUR_NAME: title}}
    if there is None:
        return Step(Sign.NEW, what, f"is made: {title}", _product_made(found, name, values))
    change = _product_change(found, name, {**values, "active": True})
    if not there["active"]:
        return Step(Sign.DRIFT, what, "was archived at Stripe; it is activated again", change)
    if there["name"] != title:
        by_us = there["metadata"].get(OUR_NAME) == there["name"]
        sign, who = (Sign.CHANGED, "") if by_us else (Sign.DRIFT, "was renamed at Stripe and ")
        return Step(sign, what, f"{who}is renamed from {there['name']} to {title}", change)
    if there["description"] != params["description"]:
        return Step(Sign.CHANGED, what, "is described as in the file", change)
    return Step(Sign.SAME, what, title)


def _product_made(found: Found, name: str, values: Object) -> Callable[[], None]:
    def make() -> None:
        found.products[name] = found.send("products.create", deed=f"product:{name}", id=name, **values)

    return make


def _product_change(found: Found, name: str, values: Object) -> Callable[[], None]:
    def change() -> None:
        found.products[name] = found.send("products.update", name, deed=f"product:{name}", **values)

    return change


def _price(found: Found, version: PlanVersion, name: str, row: PublishedPlan | None) -> Step:
    key = lookup_key(version, name)
    what, there = f"price {key}", found.price(version, name, row)
    if there is None:
        sign, text = _missing(name, row)
        return Step(sign, what, text, _price_made(found, version, name))
    meters = {event_name: meter["id"] for event_name, meter in found.meters.items()}
    ours, theirs = content(price_params(version, name, _Known(meters))), content(there)
    if ours != theirs:
        return Step(
            Sign.DRIFT, what, f"{_difference(ours, theirs)}. Prices never change: {_new_version(version)}"
        )
    if not there["active"]:
        text = "was archived at Stripe, so that nobody can subscribe to it; it is activated again"
        return Step(Sign.DRIFT, what, text, _price_change(found, there, active=True))
    if there["lookup_key"] != key:
        mend = _price_change(found, there, lookup_key=key, transfer_lookup_key=True)
        return Step(Sign.DRIFT, what, f"{there['id']} lost its lookup key at Stripe; it is given back", mend)
    return Step(Sign.SAME, what, there["id"])


class _Known(dict[str, str]):
    """Ids of meters; one that is not there yet has none, and no price of it can be the same."""

    def __missing__(self, event_name: str) -> str:
        return ""


def _missing(name: str, row: PublishedPlan | None) -> tuple[Sign, str]:
    if row is None or name not in row.prices:
        return Sign.NEW, "is made"
    return (
        Sign.DRIFT,
        f"was published as {row.prices[name]}, which this account does not have; it is made anew",
    )


def _price_made(found: Found, version: PlanVersion, name: str) -> Callable[[], None]:
    def make() -> None:
        meters = {event_name: meter["id"] for event_name, meter in found.meters.items()}
        params = price_params(version, name, meters)
        made = found.send("prices.create", deed=f"price:{params['lookup_key']}", **params)
        found.prices[made["id"]] = made

    return make


def _price_change(found: Found, price: Object, **params: Any) -> Callable[[], None]:
    return lambda: price.update(
        found.send("prices.update", price["id"], deed=f"price:{price['id']}", **params)
    )


def _version(
    found: Found,
    version: PlanVersion,
    row: PublishedPlan | None,
    publish: Callable[[PlanVersion, dict[str, str]], None],
) -> Step:
    what = f"plan {version}"

    def ids() -> dict[str, str]:
        prices = {name: found.price(version, name, row) for name in price_names(version)}
        return {name: price["id"] for name, price in prices.items() if price is not None}

    def do() -> None:
        publish(version, ids())

    if row is None:
        return Step(Sign.NEW, what, "is published, and does not change any more", do)
    if row.fingerprint != version.fingerprint:
        text = (
            f"{_difference(version.content, row.content)}. What is published stays: {_new_version(version)}"
        )
        return Step(Sign.DRIFT, what, text)
    if row.prices != ids():
        return Step(Sign.CHANGED, what, "gets the ids of its prices in this account", do)
    return Step(Sign.SAME, what, "offered" if version.is_offered else "kept for those who have it")


def _difference(ours: Object, theirs: Object) -> str:
    """The first thing that differs, as the file has it and as it was."""
    name = next((name for name in ours if ours[name] != theirs.get(name)), None)
    if name is None:
        return "its fingerprint is another"
    mine, other = ours[name], theirs.get(name)
    if isinstance(mine, dict) and isinstance(other, dict):
        return _difference(mine | dict.fromkeys(other.keys() - mine.keys()), other)
    return f"{name} is {mine} in the file and was {other}"


def _new_version(version: PlanVersion) -> str:
    return f"put back version {version.number} of {version.key}.toml as it was, and add a version with the next number"


def _product_names(versions: tuple[PlanVersion, ...]) -> list[str]:
    """What a plan has products for: itself, and the meters that any of its versions charges."""
    return list(dict.fromkeys([BASE, *(name for version in versions for name in price_names(version))]))


def _paid(versions: tuple[PlanVersion, ...]) -> bool:
    return not all(version.is_free for version in versions)


def _attribute(root: Any, path: str) -> Any:
    for name in path.split("."):
        root = getattr(root, name)
    return root


def _plain(made: Any) -> Object:
    plain: Object = made.to_dict()
    return plain
