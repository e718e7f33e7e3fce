"""The arithmetic of an order: pure, exact to the cent, the same for drafts, edits and previews.

Halves are rounded up (ROUND_HALF_UP). Tax is reckoned once for each rate, over all that has this rate; it and the
discount are then shared out among the lines by largest remainder, so that parts always add up to their whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tenant_apps.products.writing import CENT, rounded

ZERO: Final = Decimal("0.00")
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Totals:
    """What an order comes to. `subtotal`, `discount` and `shipping` hold tax only where prices include it."""

    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    total: Decimal
    line_discounts: list[Decimal]
    line_taxes: list[Decimal]
    shipping_tax: Decimal


@dataclass(frozen=True, slots=True)
class Discount:
    """Nothing, an amount, or so many per cent off all lines."""

    kind: str = ""
    value: Decimal = ZERO

    def of(self, subtotal: Decimal) -> Decimal:
        """How much it takes off; never more than there is."""
        off = rounded(subtotal * self.value / HUNDRED) if self.kind == "percent" else self.value
        return min(off, subtotal)


def reckon(
    amounts: Sequence[Decimal],
    rates: Sequence[Decimal],
    *,
    discount: Discount,
    shipping: Decimal,
    shipping_rate: Decimal,
    prices_include_tax: bool,
) -> Totals:
    """Totals of lines with these amounts and tax rates (in per cent), and each line's share of them."""
    subtotal = sum(amounts, ZERO)
    off = discount.of(subtotal)
    discounts = allocate(off, amounts)
    charged = [amount - share for amount, share in zip(amounts, discounts, strict=True)]
    *taxes, shipping_tax = _taxes([*charged, shipping], [*rates, shipping_rate], prices_include_tax)
    tax = sum(taxes, shipping_tax)
    total = subtotal - off + shipping + (ZERO if prices_include_tax else tax)
    return Totals(subtotal, off, shipping, tax, total, discounts, taxes, shipping_tax)


def _taxes(amounts: Sequence[Decimal], rates: Sequence[Decimal], included: bool) -> list[Decimal]:
    """Each amount's tax: rounded once a rate, then shared out."""
    places: dict[Decimal, list[int]] = defaultdict(list)
    for place, rate in enumerate(rates):
        places[rate].append(place)
    taxes = [ZERO] * len(amounts)
    for rate, members in places.items():
        parts = [amounts[place] for place in members]
        for place, share in zip(
            members, allocate(tax_of(sum(parts, ZERO), rate, included), parts), strict=True
        ):
            taxes[place] = share
    return taxes


def tax_of(amount: Decimal, rate: Decimal, included: bool) -> Decimal:
    """The tax on an amount, or within it."""
    return rounded(amount * rate / (HUNDRED + rate if included else HUNDRED))


def allocate(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share cents out by weight; those that are left go to the largest remainders, the first of equals first."""
    cents, parts = int(amount / CENT), [int(weight / CENT) for weight in weights]
    whole = sum(parts)
    if not whole or not cents:
        return [ZERO] * len(parts)
    shares = [cents * part // whole for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: -(cents * parts[place] % whole))
    for place in by_remainder[: cents - sum(shares)]:
        shares[place] += 1
    return [share * CENT for share in shares]
