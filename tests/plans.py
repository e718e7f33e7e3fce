"""Plans that allow what a test says, without a file."""

from dataclasses import replace

import pytest

from billing.plans import catalogue
from billing.plans.versions import Allowed, Feature, Limit, PlanVersion


def allow(
    monkeypatch: pytest.MonkeyPatch,
    plan: str = "free",
    *,
    features: frozenset[Feature] | None = None,
    **limits: int | Allowed,
) -> PlanVersion:
    """Have every version of a plan allow this and nothing else; a number is a hard limit."""
    given = {
        Limit(name): allowed if isinstance(allowed, Allowed) else Allowed(allowed)
        for name, allowed in limits.items()
    }
    known = catalogue.catalogue()
    changed = tuple(
        replace(version, limits=given, features=version.features if features is None else features)
        for version in known[plan]
    )
    monkeypatch.setattr(catalogue, "catalogue", lambda: {**known, plan: changed})
    return changed[-1]
