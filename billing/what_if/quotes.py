"""What plans would have cost: a tenant's own months, priced by each of them, also with more or less use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from billing.meters import METERS
from billing.plans.versions import Limit, PlanVersion
from billing.pricing.rating import ZERO, Bill, rate

ONE: Final = Decimal(1)
# What plans limit that is counted by a meter, too: a plan that does not allow a month's use is none to move to.
COUNTED: Final[Mapping[Limit, str]] = {
    Limit.ORDERS_PER_MONTH: "orders_placed",
    **{limit: limit.value for limit in Limit if limit.value in METERS},
}


@dataclass(frozen=True, slots=True)
class Month:
    """What was used in a calendar month (UTC); the last one may still be running."""

    begin: datetime
    used: Mapping[str, int]
    is_running: bool = False


@dataclass(frozen=True, slots=True)
class Excess:
    """A month in which a plan would have allowed less than was used."""

    month: Month
    limit: Limit
    allowed: int
    used: int

    @property
    def words(self) -> str:
        """What is limited, in words."""
        return self.limit.replace("_", " ").removesuffix(" per month")


@dataclass(frozen=True, slots=True)
class Quote:
    """What one plan version would have cost, month by month."""

    version: PlanVersion
    bills: tuple[Bill, ...]
    excesses: tuple[Excess, ...]

    @property
    def total(self) -> Decimal:
        return sum((bill.total for bill in self.bills), ZERO)

    @property
    def fits(self) -> bool:
        """Whether the plan would have allowed all of it."""
        return not self.excesses


def scaled(history: Sequence[Month], factors: Mapping[str, Decimal]) -> list[Month]:
    """The same months with other volumes: 2 is twice as much of a meter."""
    return [
        Month(month.begin, {meter: _times(month, meter, factors) for meter in METERS}, month.is_running)
        for month in history
    ]


def what_if(history: Sequence[Month], versions: Sequence[PlanVersion]) -> list[Quote]:
    """Each plan version's bills for these months, every month as a whole one."""
    return [
        Quote(
            version,
            tuple(rate(version.terms, month.used) for month in history),
            tuple(excess for month in history for excess in _excesses(version, month)),
        )
        for version in versions
    ]


def cheapest(quotes: Sequence[Quote]) -> Quote | None:
    """The least that would have been paid, by a plan that allows all of it."""
    return min((quote for quote in quotes if quote.fits), key=lambda quote: quote.total, default=None)


def _times(month: Month, meter: str, factors: Mapping[str, Decimal]) -> int:
    exact = month.used.get(meter, 0) * factors.get(meter, ONE)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def _excesses(version: PlanVersion, month: Month) -> list[Excess]:
    return [
        Excess(month, limit, hard, month.used.get(meter, 0))
        for limit, meter in COUNTED.items()
        if (hard := version.allowed(limit).hard) is not None and month.used.get(meter, 0) > hard
    ]
