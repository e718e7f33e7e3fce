"""Plans in words, side by side: what each costs, contains and allows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from billing.meters import METERS
from billing.plans.catalogue import Feature, Limit, PlanVersion, offered
from billing.pricing.rating import Mode, Price
from tenants.formats import SYMBOLS, money, whole

Key = TypeVar("Key")
TITLES: Final = {meter.key: meter.title for meter in METERS.values()}
LIMITS: Final = {
    Limit.PRODUCTS: "Products",
    Limit.ORDERS_PER_MONTH: "Orders a month",
    Limit.WEBHOOK_ENDPOINTS: "Webhook endpoints",
}
FEATURES: Final = {Feature.GRAPHQL: "GraphQL API"}
# Prices below a tenth of a cent are told by so many units.
LEAST: Final = Decimal("0.001")
SCALES: Final = (1, 1_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one plan says of one thing; `yes` is None unless it is a matter of yes or no."""

    text: str
    more: str = ""
    yes: bool | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing, and what each plan says of it, in the order of the plans."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together."""

    label: str
    rows: tuple[Row, ...]


def choice(current: PlanVersion) -> list[PlanVersion]:
    """The plans to choose from, with the one that a tenant has where it is no longer sold."""
    plans = offered()
    if current in plans:
        return plans
    place = next((at for at, version in enumerate(plans) if version.key == current.key), len(plans))
    return [*plans[:place], current, *plans[place:]]


def comparison(plans: Sequence[PlanVersion]) -> list[Group]:
    """Everything that the plans say, by what it is about."""
    return [
        Group("Included each month, and then", tuple(_rows(TITLES, plans, _use))),
        Group("Limits", (*_rows(LIMITS, plans, _limit), _row("API requests a minute", plans, _requests))),
        Group("Features", tuple(_rows(FEATURES, plans, _feature))),
    ]


def _rows(
    titles: Mapping[Key, str], plans: Sequence[PlanVersion], cell: Callable[[PlanVersion, Key], Cell]
) -> list[Row]:
    return [Row(title, tuple(cell(version, key) for version in plans)) for key, title in titles.items()]


def _row(label: str, plans: Sequence[PlanVersion], cell: Callable[[PlanVersion], Cell]) -> Row:
    return Row(label, tuple(cell(version) for version in plans))


def _use(version: PlanVersion, meter: str) -> Cell:
    price = next((price for price in version.terms.prices if price.meter == meter), None)
    if price is None:
        return Cell("No charge")
    beyond = rates(price, version.currency)
    unit = METERS[meter].unit
    return Cell(f"{whole(price.included)} {unit}", f"then {beyond}") if price.included else Cell(beyond)


def rates(price: Price, currency: str) -> str:
    """What units cost: the first price, and the last one where it falls."""
    first, last = price.tiers[0].unit_amount, price.tiers[-1].unit_amount
    if price.mode is Mode.PACKAGE:
        return f"{money(first, currency)} for each {whole(price.package_size)}"
    unit = METERS[price.meter].unit
    fall = f", falling to {_amount(last * _scale(first), currency)}" if last < first else ""
    return f"{_amount(first * _scale(first), currency)} {_per(_scale(first), unit)}{fall}"


def _scale(amount: Decimal) -> int:
    return next((scale for scale in SCALES if amount * scale >= LEAST), SCALES[-1])


def _per(scale: int, unit: str) -> str:
    return "each" if scale == 1 else f"for {whole(scale)} {unit}"


def _amount(amount: Decimal, currency: str) -> str:
    """To the cent, or as fine as the price is: €0.015."""
    if amount == round(amount, 2):
        return money(amount, currency)
    return f"{SYMBOLS.get(currency, currency + ' ')}{amount.normalize():f}"


def _limit(version: PlanVersion, limit: Limit) -> Cell:
    hard = version.allowed(limit).hard
    return Cell("No limit" if hard is None else f"up to {whole(hard)}")


def _requests(version: PlanVersion) -> Cell:
    most = version.requests.tenant
    return Cell("No limit" if most is None else f"up to {whole(most)}")


def _feature(version: PlanVersion, feature: Feature) -> Cell:
    has = feature in version.features
    return Cell("Included" if has else "Not included", yes=has)


def price_of(version: PlanVersion) -> str:
    """What it costs before anything is used: `€39.00`."""
    return "Free" if version.is_free else money(version.terms.base, version.currency)
