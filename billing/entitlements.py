"""The door to what a tenant's plan allows: ask with `check`, insist with `require`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from billing.plans import Feature, Limit, PlanVersion, catalogue, newest
from shared_apps.clients.models import Client
from tenants.api.limits import Quota
from tenants.context import Tenant, current_tenant
from tenants.errors import DomainError

__all__ = ["Feature", "Limit"]
UNLIMITED: Final = Quota()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one plan allows; a limit that is not named is not limited."""

    name: str
    limits: dict[Limit, int]
    larger: str | None = None
    features: frozenset[Feature] = frozenset()
    # API requests in a minute: of the whole tenant, and of one of its credentials.
    requests: Quota = UNLIMITED


def _of(version: PlanVersion) -> Plan:
    return Plan(
        version.name,
        {limit: allowed.hard for limit, allowed in version.limits.items() if allowed.hard is not None},
        larger=newest(version.larger).name if version.larger else None,
        features=version.features,
        requests=version.requests,
    )


PLANS: Final[dict[str, Plan]] = {key: _of(newest(key)) for key in catalogue()}


class LimitReached(DomainError):
    """The plan does not allow more; the answer says what does."""

    code = "limit_reached"
    status = 402
    title = "The plan's limit is reached"


class FeatureMissing(DomainError):
    """The plan does not have it; the answer says which one has."""

    code = "feature_missing"
    status = 402
    title = "The plan does not include this"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a limit is used. Without a limit `allowed` is None, and nothing was counted."""

    plan: Plan
    limit: Limit
    allowed: int | None
    used: int

    def has_room_for(self, wanted: int) -> bool:
        return self.allowed is None or self.used + wanted <= self.allowed


def check(limit: Limit, *, used: Callable[[], int]) -> Allowance:
    """How the current tenant stands; `used` counts, and is called only where there is a limit."""
    plan = _current_plan()
    allowed = plan.limits.get(limit)
    return Allowance(plan, limit, allowed, used() if allowed is not None else 0)


def require(limit: Limit, *, used: Callable[[], int], adding: int = 1, way_on: str | None = None) -> None:
    """Raise LimitReached unless the current tenant's plan has room for more.

    Two requests at the same moment may both take the last place: limits are a matter of plans, not of safety.
    """
    allowance = check(limit, used=used)
    if not allowance.has_room_for(adding):
        raise _refusal(allowance, way_on)


def require_feature(feature: Feature) -> None:
    """Raise FeatureMissing unless the current tenant's plan has it."""
    plan = _current_plan()
    if feature not in plan.features:
        named = ", ".join(each.name for each in PLANS.values() if feature in each.features)
        raise FeatureMissing(
            f"The {plan.name} plan does not include {feature.value}. Plans that do: {named}.",
            plan=plan.name,
            feature=feature.value,
        )


def quota_of(tenant: Tenant) -> Quota:
    """How many API requests a tenant's plan allows in a minute; none are limited of one that is gone."""
    plan = Client.objects.filter(pk=tenant.id).values_list("plan", flat=True).first()
    return PLANS[plan].requests if plan else Quota()


def _current_plan() -> Plan:
    return PLANS[Client.objects.values_list("plan", flat=True).get(pk=current_tenant().id)]


def _refusal(allowance: Allowance, way_on: str | None) -> LimitReached:
    plan, counted = allowance.plan, allowance.limit.replace("_", " ")
    larger = f"move to the {plan.larger} plan" if plan.larger else None
    ways = " or ".join(way for way in (way_on, larger) if way)
    return LimitReached(
        f"The {plan.name} plan allows {allowance.allowed} {counted}, and {allowance.used} are in use. "
        f"To go on, {ways}.",
        plan=plan.name,
        limit=allowance.limit.value,
        allowed=allowance.allowed,
        used=allowance.used,
    )
