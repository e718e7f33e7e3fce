"""What a tenant may use: its plan's limits and features, with the operators' overrides in their place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from billing.limits.overrides import OpenOverride, overrides_of
from billing.plans.catalogue import newest, plan_of
from billing.plans.versions import Allowed, Feature, Limit, PlanVersion, Rate
from tenants.api.limits import Quota
from tenants.context import Tenant
from tenants.hosts import directory


@dataclass(frozen=True, slots=True)
class Allowances:
    """All that a tenant is allowed at a moment."""

    plan: PlanVersion
    overrides: Mapping[str, OpenOverride]
    now: datetime

    def override(self, key: str) -> OpenOverride | None:
        """What operators said of a limit or feature, if that holds now."""
        found = self.overrides.get(key) if self.overrides else None
        return found if found is not None and found.holds(self.now) else None

    def allowed(self, limit: Limit) -> Allowed:
        """How much of something. Beside an override the notice comes at the same share of it as in the plan."""
        planned, override = self.plan.allowed(limit), self.override(limit)
        if override is None:
            return planned
        if override.value is None or planned.soft is None or not planned.hard:
            return Allowed(hard=override.value)
        return Allowed(hard=override.value, soft=override.value * planned.soft // planned.hard)

    def has(self, feature: Feature) -> bool:
        """Whether it has a feature."""
        override = self.override(feature)
        return feature in self.plan.features if override is None else bool(override.is_on)

    @property
    def requests(self) -> Quota:
        """How many API requests it may make in a minute."""
        planned = self.plan.requests
        return Quota(
            self._rate(Rate.OF_TENANT, planned.tenant), self._rate(Rate.OF_CREDENTIAL, planned.credential)
        )

    def _rate(self, rate: Rate, planned: int | None) -> int | None:
        override = self.override(rate)
        return planned if override is None else override.value

    def source(self, key: str) -> str:
        """Who says so: the plan, or an operator."""
        return "plan" if self.override(key) is None else "override"

    def larger(self, limit: Limit) -> PlanVersion | None:
        """The next plan that allows more of something than is allowed now, if there is one."""
        mine = self.allowed(limit).hard
        plan = self.plan
        while plan.larger is not None:
            plan = newest(plan.larger)
            theirs = plan.allowed(limit).hard
            if theirs is None or (mine is not None and theirs > mine):
                return plan
        return None


def allowances_of(tenant: Tenant) -> Allowances:
    """What a tenant is allowed, as this process knows it: never older than two seconds, whatever was entered when."""
    present = directory.by_schema(tenant.schema) or tenant
    return Allowances(plan_of(present), overrides_of(tenant.schema), timezone.now())
