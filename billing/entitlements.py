"""The door to what a tenant may use: ask with `check`, insist with `require`, take of a period's budget with `reserve`.

A limit is hard, soft or both: beyond a hard one is refused, with the numbers and the way on; beyond a soft one the
answer tells of it. Hard limits hold to the unit, whoever comes at the same moment.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connections, transaction
from django.utils import timezone

from billing.limits import budgets
from billing.limits.allowing import Allowances, allowances_of
from billing.limits.caps import require_budget
from billing.limits.notices import note_soft
from billing.limits.overrides import overrides_of
from billing.limits.refusals import BudgetUsedUp, FeatureMissing, LimitReached, feature_missing, limit_reached
from billing.limits.reserving import BUDGETS, Reservation, account_of, take
from billing.plans.versions import Allowed, Feature, Limit, PlanVersion
from billing.pricing.preview import used_between
from tenants.api.limits import Quota
from tenants.context import TENANT_ALIAS, Tenant, current_tenant, tenant_context

__all__ = [
    "Allowance",
    "BudgetUsedUp",
    "Excess",
    "Feature",
    "FeatureMissing",
    "Limit",
    "LimitReached",
    "Overview",
    "Reservation",
    "check",
    "claim",
    "count_by",
    "excesses",
    "has_feature",
    "overview",
    "quota_of",
    "require",
    "require_feature",
    "reserve",
]
Count = Callable[[], int]
# The first half of the keys of the locks behind which stocks are counted, so that they are no other lock's.
PLACES: Final = 727_003
_counts: dict[Limit, Count] = {}
_shown: dict[Limit, Count] = {}


def count_by(limit: Limit, count: Count, *, shown: Count | None = None) -> None:
    """Say how a stock is counted, within the tenant's transaction; and how it is shown, where counting takes long."""
    _counts[limit], _shown[limit] = count, shown or count


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a limit is used. Where there is none `allowed` names no number, and nothing was counted."""

    tenant: Tenant
    allowances: Allowances
    limit: Limit
    allowed: Allowed
    used: int

    def has_room_for(self, wanted: int) -> bool:
        return self.allowed.hard is None or self.used + wanted <= self.allowed.hard

    def require_room_for(self, wanted: int, way_on: str | None = None) -> None:
        """Raise LimitReached unless there is room for more; what is beyond the soft limit is told."""
        if not self.has_room_for(wanted):
            raise limit_reached(self.tenant, self.allowances, self.limit, used=self.used, way_on=way_on)
        note_soft(self.limit, self.allowed, used=self.used + wanted)


def check(limit: Limit) -> Allowance:
    """How the current tenant stands with a stock at this moment; the next one may be another."""
    return _counted(limit, _allowance(limit))


def claim(limit: Limit) -> Allowance:
    """How the current tenant stands with a stock; until the transaction ends nobody else can claim any of it.

    Claim before any row is locked: then two transactions never wait for each other in a circle.
    """
    allowance = _allowance(limit)
    if allowance.allowed.hard is not None:
        _be_alone(allowance)
    return _counted(limit, allowance)


def require(limit: Limit, *, adding: int = 1, way_on: str | None = None) -> None:
    """Raise LimitReached unless the current tenant has room for more of a stock, which is its own from here on."""
    claim(limit).require_room_for(adding, way_on)


def reserve(limit: Limit, *, units: int = 1, at: datetime | None = None) -> Reservation:
    """Take units of the current tenant's budget; raises LimitReached or SpendCapReached when so many are not left.

    They are spent by `record_usage(..., against=...)`, together with what they were for; else they come back.
    """
    tenant, at = current_tenant(), at or timezone.now()
    require_budget(BUDGETS[limit])
    return Reservation(tenant, limit, units, take(tenant, limit, units, at))


def has_feature(feature: Feature) -> bool:
    """Whether the current tenant has a feature."""
    return allowances_of(current_tenant()).has(feature)


def require_feature(feature: Feature) -> None:
    """Raise FeatureMissing unless the current tenant has it."""
    tenant = current_tenant()
    allowances = allowances_of(tenant)
    if not allowances.has(feature):
        raise feature_missing(tenant, allowances, feature)


def quota_of(tenant: Tenant) -> Quota:
    """How many API requests a tenant may make in a minute."""
    return allowances_of(tenant).requests


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit: how much is used, what is allowed, who says so, and when it begins anew."""

    limit: str
    used: int
    allowed: int | None
    soft: int | None
    resets_at: datetime | None
    source: str
    until: datetime | None

    @property
    def is_reached(self) -> bool:
        return self.allowed is not None and self.used >= self.allowed

    @property
    def is_beyond_soft(self) -> bool:
        return self.soft is not None and self.used > self.soft

    @property
    def share(self) -> float:
        """How much of what is allowed is used, from 0 to 1 and beyond; 0 without a limit."""
        return self.used / self.allowed if self.allowed else float(self.is_reached)


@dataclass(frozen=True, slots=True)
class FeatureState:
    """One feature: whether the tenant has it, and who says so."""

    feature: str
    is_on: bool
    source: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """All that a tenant is allowed, and how it stands."""

    plan: str
    plan_name: str
    plan_version: int
    limits: Sequence[LimitState]
    features: Sequence[FeatureState]


def overview(tenant: Tenant) -> Overview:
    """Every limit and feature of a tenant, within its transaction."""
    allowances = allowances_of(tenant)
    plan = allowances.plan
    return Overview(
        plan.key,
        plan.name,
        plan.number,
        [_limit_state(tenant, allowances, limit) for limit in Limit],
        [_feature_state(allowances, feature) for feature in Feature],
    )


def _limit_state(tenant: Tenant, allowances: Allowances, limit: Limit) -> LimitState:
    allowed, override = allowances.allowed(limit), allowances.override(limit)
    resets_at = account_of(tenant, limit, allowances.now).period.end if limit in BUDGETS else None
    return LimitState(
        limit.value,
        used_of(tenant, limit),
        allowed.hard,
        allowed.soft,
        resets_at,
        allowances.source(limit),
        override.expires_at if override else None,
    )


def _feature_state(allowances: Allowances, feature: Feature) -> FeatureState:
    override = allowances.override(feature)
    until = override.expires_at if override else None
    return FeatureState(feature.value, allowances.has(feature), allowances.source(feature), until)


@dataclass(frozen=True, slots=True)
class Excess:
    """A stock of which a tenant holds more than a plan would allow."""

    limit: str
    used: int
    allowed: int


def excesses(tenant: Tenant, plan: PlanVersion) -> list[Excess]:
    """What a tenant holds too much of for a plan, its overrides kept."""
    there = Allowances(plan, overrides_of(tenant.schema), timezone.now())
    stocks = [limit for limit in _counts if there.allowed(limit).hard is not None]
    with tenant_context(tenant), transaction.atomic(using=TENANT_ALIAS):
        held = [(limit, _counts[limit](), there.allowed(limit).hard or 0) for limit in stocks]
    return [Excess(limit.value, used, allowed) for limit, used, allowed in held if used > allowed]


def used_of(tenant: Tenant, limit: Limit) -> int:
    """How much of a limit is used now. Of a budget that nobody limits, what is folded into hours."""
    if limit not in BUDGETS:
        return _shown[limit]()
    account = account_of(tenant, limit, timezone.now())
    used = budgets.used_of(account)
    if used is not None:
        return used
    return used_between(tenant.schema, account.period.begin, account.period.end).get(account.meter, 0)


def _allowance(limit: Limit) -> Allowance:
    tenant = current_tenant()
    allowances = allowances_of(tenant)
    return Allowance(tenant, allowances, limit, allowances.allowed(limit), 0)


def _counted(limit: Limit, allowance: Allowance) -> Allowance:
    allowed = allowance.allowed
    if allowed.hard is None and allowed.soft is None:
        return allowance
    return Allowance(allowance.tenant, allowance.allowances, limit, allowed, _counts[limit]())


def _be_alone(allowance: Allowance) -> None:
    """Wait for whoever has claimed of the same stock; the lock goes with the transaction."""
    number = zlib.crc32(f"{allowance.tenant.schema} {allowance.limit}".encode())
    with connections[TENANT_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PLACES, number - 2**31])
