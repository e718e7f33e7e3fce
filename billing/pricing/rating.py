"""What use costs: tiers, packages, included quantities, base price and minimum, in Decimal and to the cent.

The arithmetic is Stripe's: unit prices may have twelve decimals, each line is rounded once, half up, to the cent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Final

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal(0)
WHOLE: Final = Fraction(1)


class Mode(StrEnum):
    """How a quantity falls into tiers."""

    GRADUATED = "graduated"  # each unit costs what its own tier says
    VOLUME = "volume"  # all units cost what the last one's tier says
    PACKAGE = "package"  # begun packages are charged whole


@dataclass(frozen=True, slots=True)
class Tier:
    """A price up to and including a number of units; the last tier has no end."""

    up_to: int | None
    unit_amount: Decimal = ZERO
    flat_amount: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Price:
    """What one meter costs. `included` units are free, and charged units are counted from the next one on."""

    meter: str
    mode: Mode
    tiers: tuple[Tier, ...]
    included: int = 0
    package_size: int = 1

    def __post_init__(self) -> None:
        ends = [tier.up_to for tier in self.tiers]
        if not ends or ends[-1] is not None or None in ends[:-1]:
            raise ValueError(f"{self.meter}: the last tier, and no other, has no up_to.")
        rising = [0, *(end for end in ends if end is not None)]
        if any(later <= earlier for earlier, later in pairwise(rising)):
            raise ValueError(f"{self.meter}: each tier's up_to must be larger than that of the tier before.")
        if self.mode is Mode.PACKAGE and len(self.tiers) != 1:
            raise ValueError(f"{self.meter}: a price by packages has one tier.")
        if self.included < 0 or self.package_size < 1:
            raise ValueError(f"{self.meter}: included starts at 0 and package_size at 1.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan version charges for a whole period; `minimum` is the least that base and use come to."""

    currency: str
    base: Decimal = ZERO
    minimum: Decimal = ZERO
    prices: tuple[Price, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a preview."""

    what: str
    quantity: int
    amount: Decimal
    unit_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """What a period comes to."""

    currency: str
    lines: tuple[Line, ...] = field(default=())

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)


def rate(terms: Terms, used: Mapping[str, int], *, share: Fraction = WHOLE) -> Bill:
    """The bill for some use. `share` is how much of the period it is for: base, minimum and included follow it."""
    if not 0 < share <= 1:
        raise ValueError(f"The share of a period is more than 0 and at most 1, not {share}.")
    lines = [Line("base", 1, prorated(terms.base, share))] if terms.base else []
    for price in terms.prices:
        lines += charge(price, used.get(price.meter, 0), share=share)
    lacking = prorated(terms.minimum, share) - sum((line.amount for line in lines), ZERO)
    if lacking > 0:
        lines.append(Line("minimum", 1, lacking))
    return Bill(terms.currency, tuple(lines))


def charge(price: Price, quantity: int, *, share: Fraction = WHOLE) -> list[Line]:
    """The lines for a quantity of one meter."""
    free = included(price, share)
    charged = max(quantity - free, 0)
    lines = [Line(f"{price.meter}:included", min(quantity, free), ZERO)] if free else []
    return [*lines, *CHARGES[price.mode](price, charged)]


def included(price: Price, share: Fraction = WHOLE) -> int:
    """How many units are free in a share of a period; a begun unit counts for the customer."""
    exact = price.included * share
    return -(-exact.numerator // exact.denominator)


def prorated(amount: Decimal, share: Fraction) -> Decimal:
    """A share of an amount, to the cent."""
    return to_cents(amount * share.numerator / share.denominator)


def to_cents(amount: Decimal) -> Decimal:
    """Half a cent goes up, away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def _graduated(price: Price, charged: int) -> list[Line]:
    return [
        Line(price.meter, inside, to_cents(inside * tier.unit_amount + tier.flat_amount), tier.unit_amount)
        for tier, inside in _filled(price.tiers, charged)
    ]


def _filled(tiers: Sequence[Tier], charged: int) -> Iterator[tuple[Tier, int]]:
    """The tiers that a quantity reaches, with what lies in each. Nothing at all lies in the first."""
    begin = 0
    for tier in tiers:
        end = charged if tier.up_to is None else min(charged, tier.up_to)
        if end > begin:
            yield tier, end - begin
        begin = max(begin, end)


def _volume(price: Price, charged: int) -> list[Line]:
    if not charged:
        return []
    tier = next(tier for tier in price.tiers if tier.up_to is None or charged <= tier.up_to)
    amount = to_cents(charged * tier.unit_amount + tier.flat_amount)
    return [Line(price.meter, charged, amount, tier.unit_amount)]


def _package(price: Price, charged: int) -> list[Line]:
    if not charged:
        return []
    (tier,) = price.tiers
    packages = int((Decimal(charged) / price.package_size).to_integral_value(ROUND_CEILING))
    return [Line(price.meter, charged, to_cents(packages * tier.unit_amount), tier.unit_amount)]


CHARGES: Final = {Mode.GRADUATED: _graduated, Mode.VOLUME: _volume, Mode.PACKAGE: _package}
