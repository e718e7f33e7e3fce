"""The plans: what is sold now, what was sold before, and what a tenant has. They stand in `billing/plans/`."""

from functools import cache

from billing.models import PublishedPlan
from billing.plans.reading import read
from billing.plans.versions import Allowed, Feature, Limit, PlanVersion
from tenants.context import Tenant

__all__ = [
    "Allowed",
    "Feature",
    "Limit",
    "PlanVersion",
    "newest",
    "offered",
    "plan_of",
    "plan_version",
    "stripe_prices",
    "versions_of",
]


@cache
def catalogue() -> dict[str, tuple[PlanVersion, ...]]:
    """Every version of every plan, oldest first, as the files have them."""
    return read()


def versions_of(key: str) -> tuple[PlanVersion, ...]:
    """All versions of a plan, oldest first."""
    try:
        return catalogue()[key]
    except KeyError:
        raise LookupError(f"There is no plan {key!r}; there are {', '.join(catalogue())}.") from None


def plan_version(key: str, number: int) -> PlanVersion:
    """One version of a plan; raises LookupError when there never was one."""
    versions = versions_of(key)
    if not 1 <= number <= len(versions):
        raise LookupError(f"The plan {key} has the versions 1 to {len(versions)}, and no {number}.")
    return versions[number - 1]


def newest(key: str) -> PlanVersion:
    """The last version of a plan, whether or not it is still sold."""
    return versions_of(key)[-1]


def offered() -> list[PlanVersion]:
    """What can be bought now, cheapest base first."""
    sold = [version for versions in catalogue().values() for version in versions if version.is_offered]
    return sorted(sold, key=lambda version: (version.terms.base, version.key, version.number))


def plan_of(tenant: Tenant) -> PlanVersion:
    """What a tenant has.

    While a release rolls out, its first processes may sell a version that the last of the old ones do not know yet.
    """
    versions = versions_of(tenant.plan)
    return versions[min(tenant.plan_version, len(versions)) - 1]


def stripe_prices(version: PlanVersion) -> dict[str, str]:
    """The ids of a version's prices at Stripe: "base" and each meter that is charged."""
    found = PublishedPlan.objects.filter(key=version.key, number=version.number).first()
    if found is None:
        raise LookupError(f"{version} is not published. Run manage.py sync_plans --apply.")
    return dict(found.prices)
