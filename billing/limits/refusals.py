"""How it is said that a plan allows no more: which plan, which limit, how much is used, and the way on."""

from datetime import datetime
from typing import Any

from billing.limits.allowing import Allowances, allowances_of
from billing.plans.catalogue import offered
from billing.plans.versions import Feature, Limit
from tenants.context import Tenant
from tenants.errors import DomainError
from tenants.hosts import address_at
from tenants.standing import BILLING_PATH


class LimitReached(DomainError):
    """The plan does not allow more; the answer says what does."""

    code = "limit_reached"
    status = 402
    title = "The plan's limit is reached"


class BudgetUsedUp(LimitReached):
    """No plan allows more, but it comes back by itself; `retry_after` says in how many seconds."""

    code = "budget_used_up"
    status = 429
    title = "This period's budget is used up"


class FeatureMissing(DomainError):
    """The plan does not have it; the answer says which one has."""

    code = "feature_missing"
    status = 402
    title = "The plan does not include this"


def limit_reached(
    tenant: Tenant,
    allowances: Allowances,
    limit: Limit,
    *,
    used: int,
    way_on: str | None = None,
    resets_at: datetime | None = None,
) -> LimitReached:
    """The refusal of more than a limit allows."""
    larger = allowances.larger(limit)
    wait = f"wait until {resets_at:%d %B %Y}, when it begins anew" if resets_at else None
    move = f"move to the {larger.name} plan" if larger else None
    ways = (
        " or ".join(way for way in (way_on, move, wait) if way) or "ask those who run the platform for more"
    )
    detail = f"{_allows(allowances, limit)}, and {used} are in use. To go on, {ways}."
    data = {
        **_plan(tenant, allowances),
        "limit": limit.value,
        "allowed": allowances.allowed(limit).hard,
        "used": used,
        "source": allowances.source(limit),
        "resets_at": resets_at.isoformat() if resets_at else None,
    }
    if larger is None and resets_at is not None:
        seconds = max(1, round((resets_at - allowances.now).total_seconds()))
        return BudgetUsedUp(detail, **data, retry_after=seconds)
    return LimitReached(detail, **data)


def feature_missing(tenant: Tenant, allowances: Allowances, feature: Feature) -> FeatureMissing:
    """The refusal of what a plan has not."""
    named = ", ".join(version.name for version in offered() if feature in version.features)
    switched = allowances.source(feature) == "override"
    why = "An operator has switched it off." if switched else f"Plans that do: {named or 'none'}."
    detail = f"The {allowances.plan.name} plan does not include {feature.value}. {why}"
    return FeatureMissing(detail, **_plan(tenant, allowances), feature=feature.value)


def told_of(tenant: Tenant) -> dict[str, Any]:
    """What every refusal tells of a tenant's plan."""
    return _plan(tenant, allowances_of(tenant))


def _plan(tenant: Tenant, allowances: Allowances) -> dict[str, Any]:
    return {"plan": allowances.plan.name, "upgrade": address_at(tenant.host, BILLING_PATH)}


def _allows(allowances: Allowances, limit: Limit) -> str:
    number, counted = allowances.allowed(limit).hard, limit.replace("_", " ")
    if allowances.source(limit) == "override":
        return f"This workspace is allowed {number} {counted}"
    return f"The {allowances.plan.name} plan allows {number} {counted}"
