"""What a quantity costs: per unit, in packages, graduated or by volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from billing.simulator.shapes import Object


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of an invoice: so many units at a price, and a flat amount."""

    quantity: Decimal
    unit: Decimal | None
    exact: Decimal
    tier: int | None = None

    @property
    def amount(self) -> int:
        """Whole cents; half a cent goes up."""
        return rounded(self.exact)


def rounded(exact: Decimal) -> int:
    """Each line is rounded by itself, half away from zero."""
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def charges(price: Object, quantity: Decimal) -> list[Charge]:
    """The lines that a quantity makes; graduated tiers make one each."""
    if price["billing_scheme"] != "tiered":
        unit = Decimal(price["unit_amount_decimal"])
        return [Charge(quantity, unit, _packages(price, quantity) * unit)]
    tiers = [_Tier.of(each) for each in price["tiers"]]
    if price["tiers_mode"] == "volume":
        return [_by_volume(tiers, quantity)]
    return list(_graduated(tiers, quantity))


def total(price: Object, quantity: Decimal) -> int:
    """All lines together."""
    return sum(charge.amount for charge in charges(price, quantity))


def _packages(price: Object, quantity: Decimal) -> Decimal:
    transform = price["transform_quantity"]
    if not transform:
        return quantity
    rounding = ROUND_CEILING if transform["round"] == "up" else ROUND_FLOOR
    return (quantity / int(transform["divide_by"])).quantize(Decimal(1), rounding)


@dataclass(frozen=True, slots=True)
class _Tier:
    up_to: Decimal | None
    unit: Decimal
    flat: Decimal

    @classmethod
    def of(cls, tier: Object) -> _Tier:
        bound = None if tier["up_to"] is None else Decimal(tier["up_to"])
        unit, flat = (Decimal(tier[f"{name}_amount_decimal"] or 0) for name in ("unit", "flat"))
        return cls(bound, unit, flat)


def _by_volume(tiers: list[_Tier], quantity: Decimal) -> Charge:
    """The whole quantity at the price of the tier that it reaches."""
    at, tier = next(
        (at, tier) for at, tier in enumerate(tiers) if tier.up_to is None or quantity <= tier.up_to
    )
    return Charge(quantity, tier.unit, quantity * tier.unit + tier.flat, at)


def _graduated(tiers: list[_Tier], quantity: Decimal) -> Iterator[Charge]:
    """Each part of the quantity at the price of its own tier. The first tier's flat amount is always due."""
    floor = Decimal(0)
    for at, tier in enumerate(tiers):
        top = quantity if tier.up_to is None else min(quantity, tier.up_to)
        part = max(Decimal(0), top - floor)
        if at == 0 or part:
            yield Charge(part, tier.unit, part * tier.unit + tier.flat, at)
        floor = floor if tier.up_to is None else tier.up_to
