"""Rating, held against a slow reference that goes unit by unit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing.rating import Bill, Line, Mode, Price, Terms, Tier, charge, included, rate, to_cents

D = Decimal
amounts = st.decimals(0, 5, places=4)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    mode = draw(st.sampled_from(Mode))
    ends: list[int | None] = []
    if mode is not Mode.PACKAGE:
        ends += sorted(draw(st.sets(st.integers(1, 60), max_size=4)))
    tiers = tuple(Tier(end, draw(amounts), draw(amounts)) for end in [*ends, None])
    return Price("calls", mode, tiers, draw(st.integers(0, 20)), draw(st.integers(1, 9)))


def by_unit(price: Price, quantity: int, share: Fraction) -> Decimal:
    """The amount of one meter, as somebody would reckon it on paper: one unit after the other."""
    free = 0
    while Fraction(free) < price.included * share:
        free += 1
    units = range(1, quantity - free + 1)
    places = [
        next(n for n, t in enumerate(price.tiers) if t.up_to is None or unit <= t.up_to) for unit in units
    ]
    if price.mode is Mode.VOLUME:
        places = places[-1:] * len(places)
    lines: dict[int, Decimal] = {}
    for unit, place in zip(units, places, strict=True):
        tier = price.tiers[place]
        if price.mode is Mode.PACKAGE:
            lines[0] = lines.get(0, D(0)) + (tier.unit_amount if (unit - 1) % price.package_size == 0 else 0)
        else:
            lines[place] = lines.get(place, tier.flat_amount) + tier.unit_amount
    return sum((D(int(line * 100 + D("0.5"))) / 100 for line in lines.values()), D(0))


shares = st.fractions(Fraction(1, 31), 1, max_denominator=31)


def edges(price: Price, share: Fraction) -> list[int]:
    """Quantities about which prices change: none, the included ones, the ends of tiers and of packages."""
    free = included(price, share)
    ends = [tier.up_to for tier in price.tiers if tier.up_to] + [price.package_size, 2 * price.package_size]
    return sorted({0, free, free + 1, *(free + end + step for end in ends for step in (0, 1)), 97})


@settings(max_examples=60, deadline=None)
@given(prices(), amounts, amounts, shares)
def test_every_price_agrees_with_the_units_taken_one_by_one(
    price: Price, base: Decimal, minimum: Decimal, share: Fraction
) -> None:
    """Some six hundred bills a run."""
    part = Decimal(share.numerator), Decimal(share.denominator)
    for quantity in edges(price, share):
        lines, expected = charge(price, quantity, share=share), by_unit(price, quantity, share)
        assert sum((line.amount for line in lines), D(0)) == expected
        assert sum(line.quantity for line in lines) == quantity
        assert all(line.amount == line.amount.quantize(D("0.01")) for line in lines)
        bill = rate(Terms("EUR", base, minimum * 20, (price,)), {"calls": quantity}, share=share)
        least, fixed = to_cents(minimum * 20 * part[0] / part[1]), to_cents(base * part[0] / part[1])
        assert bill.total == max(least, fixed + expected)


GRADUATED = (Tier(10, D("1.00"), D("5")), Tier(None, D("0.50"), D("2")))


@pytest.mark.parametrize(
    ("mode", "quantity", "amount"),
    [
        (Mode.GRADUATED, 0, "0"),
        (Mode.GRADUATED, 10, "15"),
        (Mode.GRADUATED, 11, "17.50"),
        (Mode.VOLUME, 10, "15"),
        (Mode.VOLUME, 11, "7.50"),
    ],
)
def test_tiers_end_with_their_last_unit(mode: Mode, quantity: int, amount: str) -> None:
    assert sum((line.amount for line in charge(Price("m", mode, GRADUATED), quantity)), D(0)) == D(amount)


def test_packages_are_charged_when_they_are_begun() -> None:
    price = Price("m", Mode.PACKAGE, (Tier(None, D("3")),), included=5, package_size=100)
    charged = [sum(line.amount for line in charge(price, quantity)) for quantity in (0, 5, 6, 105, 106)]
    assert charged == [0, 0, 3, 3, 6]


def test_a_share_of_a_period_has_its_share_of_base_minimum_and_included() -> None:
    price = Price("m", Mode.GRADUATED, (Tier(None, D("0.10")),), included=100)
    assert included(price, Fraction(1, 3)) == 34, "a begun unit counts for the customer"
    bill = rate(Terms("EUR", D("30"), D("90"), (price,)), {"m": 35}, share=Fraction(1, 3))
    assert bill == Bill(
        "EUR",
        (
            Line("base", 1, D("10.00")),
            Line("m:included", 34, D(0)),
            Line("m", 1, D("0.10"), D("0.10")),
            Line("minimum", 1, D("19.90")),
        ),
    )
    assert bill.total == D("30.00")


@pytest.mark.parametrize(
    ("given_", "refusal"),
    [
        ({"tiers": (Tier(5),)}, "last tier"),
        ({"tiers": ()}, "last tier"),
        ({"tiers": (Tier(None), Tier(None))}, "last tier"),
        ({"tiers": (Tier(5), Tier(5), Tier(None))}, "larger"),
        ({"tiers": GRADUATED, "mode": Mode.PACKAGE}, "one tier"),
        ({"tiers": (Tier(None),), "included": -1}, "included"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(given_: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        Price(**{"meter": "m", "mode": Mode.GRADUATED, **given_})


@pytest.mark.parametrize("share", [Fraction(0), Fraction(3, 2)])
def test_a_share_is_a_part_of_one_period(share: Fraction) -> None:
    with pytest.raises(ValueError, match="share"):
        rate(Terms("EUR"), {}, share=share)
