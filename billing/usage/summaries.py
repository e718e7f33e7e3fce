"""How a tenant's period stands: of each meter what was used, what the plan says of it, and what it comes to."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

from billing.limits.allowing import Allowances, allowances_of
from billing.limits.caps import cap_of
from billing.meters import METERS, Meter
from billing.models import SpendCap
from billing.plans.catalogue import Allowed, Limit, PlanVersion
from billing.pricing.periods import Period, month_of, period_of
from billing.pricing.rating import ZERO, Bill, Price, charge, rate
from billing.usage import figures
from billing.usage.figures import Bucket, Unit
from billing.usage.forecasting import Forecast, forecast, sample_begin
from tenants.context import Tenant

# Which limit of a plan speaks of what a meter counts: of what is summed up, in the calendar month.
LIMITS: Final[dict[str, Limit]] = {"orders_placed": Limit.ORDERS_PER_MONTH, "seats": Limit.SEATS}


@dataclass(frozen=True, slots=True)
class MeterUse:
    """One meter in a period. What the plan has no price for costs nothing, whatever is used."""

    meter: Meter
    used: int
    days: list[Bucket]
    price: Price | None
    allowed: Allowed
    # Of the calendar month, which limits are about.
    limited: int
    forecast: Forecast | None

    @property
    def included(self) -> int | None:
        """How many units cost nothing; None where nothing is charged."""
        return self.price.included if self.price else None

    @property
    def cost(self) -> Decimal:
        """What it comes to so far."""
        return self.cost_of(self.used)

    def cost_of(self, quantity: int) -> Decimal:
        """What a quantity of it would come to."""
        lines = charge(self.price, quantity) if self.price else []
        return sum((line.amount for line in lines), ZERO)

    @property
    def expected(self) -> int:
        """What it likely stands at when the period ends; of a gauge, or too early to say, what it stands at now."""
        return self.forecast.likely if self.forecast else self.used


@dataclass(frozen=True, slots=True)
class Expected:
    """What a period likely comes to, and the range that its forecasts leave."""

    likely: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What a period comes to, its base price included."""

    currency: str
    so_far: Decimal
    expected: Expected | None


@dataclass(frozen=True)
class UsageSummary:
    """A period of a tenant under its plan."""

    tenant: Tenant
    plan: PlanVersion
    period: Period
    now: datetime
    counted_at: datetime | None
    meters: tuple[MeterUse, ...]
    cap: SpendCap

    @property
    def currency(self) -> str:
        return self.plan.currency

    @property
    def is_running(self) -> bool:
        return self.period.has(self.now)

    @property
    def is_trial(self) -> bool:
        """Whether nothing of it will be charged, because the plan is being tried."""
        ends = self.tenant.trial_ends_at
        return ends is not None and ends > self.now

    @cached_property
    def bill(self) -> Bill:
        """What the period comes to so far."""
        return rate(self.plan.terms, {each.meter.key: each.used for each in self.meters})

    @cached_property
    def spent(self) -> Decimal:
        """What will be charged for it as it stands, which is nothing while the plan is tried."""
        return ZERO if self.is_trial else self.bill.total

    @cached_property
    def cost(self) -> Cost:
        """What the period comes to so far, and when it ends; the latter is None where nothing can be said."""
        is_told = any(each.forecast for each in self.meters)
        return Cost(self.currency, self.bill.total, self._expected() if is_told else None)

    def _expected(self) -> Expected:
        ends = []
        for part in ("likely", "low", "high"):
            used = {
                each.meter.key: getattr(each.forecast, part) if each.forecast else each.used
                for each in self.meters
            }
            ends.append(rate(self.plan.terms, used).total)
        return Expected(*ends)


def summary_of(tenant: Tenant, now: datetime, period: Period | None = None) -> UsageSummary:
    """How the running period stands, or another one stood."""
    now = now.astimezone(UTC)
    period = period or period_of(tenant.schema, now)
    read = _Read(tenant, allowances_of(tenant), period, now)
    uses = tuple(read.use(meter) for meter in METERS.values())
    return UsageSummary(tenant, read.allowances.plan, period, now, figures.counted_at(), uses, cap_of(tenant))


@dataclass(frozen=True)
class _Read:
    """The rollups of a period, and of the running one also those that its forecast and its limits look at."""

    tenant: Tenant
    allowances: Allowances
    period: Period
    now: datetime

    def use(self, meter: Meter) -> MeterUse:
        found, inside = self.found[meter.key], self.inside[meter.key]
        used, is_summed = figures.total(meter, inside), not meter.is_gauge
        month, until = month_of(self.now).begin, min(self.now, self.period.end)
        prices = [price for price in self.allowances.plan.terms.prices if price.meter == meter.key]
        return MeterUse(
            meter=meter,
            used=used,
            days=figures.buckets(meter, inside, self.period.begin, until, Unit.DAY),
            price=prices[0] if prices else None,
            allowed=self.allowances.allowed(LIMITS[meter.key]) if meter.key in LIMITS else Allowed(),
            limited=sum(count for day, count in found.items() if day >= month) if is_summed else used,
            forecast=forecast(used, found, self.period, self.now) if is_summed else None,
        )

    @cached_property
    def begin(self) -> datetime:
        period = self.period
        wanted = (sample_begin(self.now), month_of(self.now).begin) if period.has(self.now) else ()
        return min(period.begin, *wanted) if wanted else period.begin

    @cached_property
    def found(self) -> figures.Found:
        return figures.found_between(self.tenant.schema, self.begin, self.period.end, Unit.DAY)

    @cached_property
    def inside(self) -> figures.Found:
        """The days of the period alone: where it begins in the middle of one they are asked for by themselves."""
        begin = self.period.begin
        if begin == self.begin:
            return self.found
        if begin == figures.start_of(begin, Unit.DAY):
            return {
                meter: {day: count for day, count in days.items() if day >= begin}
                for meter, days in self.found.items()
            }
        return figures.found_between(self.tenant.schema, begin, self.period.end, Unit.DAY)
