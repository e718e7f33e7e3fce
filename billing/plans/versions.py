"""What a version of a plan is."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.pricing.rating import Terms
from tenants.api.limits import Quota


class Limit(StrEnum):
    """What a plan counts."""

    PRODUCTS = "products"
    ORDERS_PER_MONTH = "orders_per_month"
    WEBHOOK_ENDPOINTS = "webhook_endpoints"
    SEATS = "seats"
    STORAGE = "storage"


class Rate(StrEnum):
    """How many API requests a plan allows in a minute, by the names that refusals give them."""

    OF_TENANT = "requests_per_minute_of_tenant"
    OF_CREDENTIAL = "requests_per_minute_of_credential"


class Feature(StrEnum):
    """What a plan has or has not."""

    GRAPHQL = "graphql"


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much of something a plan allows: beyond `hard` it is refused, beyond `soft` it is told. None is no limit."""

    hard: int | None = None
    soft: int | None = None


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """What was sold under this number: once published it never changes, and who has it keeps it."""

    key: str
    number: int
    name: str
    summary: str
    terms: Terms
    interval: str = "month"
    # A limit that is not named is not limited.
    limits: Mapping[Limit, Allowed] = field(default_factory=dict)
    features: frozenset[Feature] = frozenset()
    # API requests in a minute.
    requests: Quota = field(default_factory=Quota)
    trial_days: int = 0
    # The key of the plan to move to for more.
    larger: str | None = None
    is_offered: bool = True

    def __str__(self) -> str:
        return f"{self.key} v{self.number}"

    @property
    def currency(self) -> str:
        return self.terms.currency

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing whatever is used: then there is nothing of it at Stripe."""
        return not self.terms.base and not self.terms.prices

    def allowed(self, limit: Limit) -> Allowed:
        """How much of something it allows."""
        return self.limits.get(limit, Allowed())

    @property
    def content(self) -> dict[str, Any]:
        """What customers have bought with it, as JSON: all but its texts, its trial and whether it is still sold."""
        held: dict[str, Any] = json.loads(json.dumps(asdict(self.terms), default=_plain))
        limits = {limit.value: asdict(allowed) for limit, allowed in sorted(self.limits.items())}
        return {
            "interval": self.interval,
            "terms": held,
            "limits": limits,
            "features": sorted(self.features),
            "requests": asdict(self.requests),
        }

    @property
    def fingerprint(self) -> str:
        """The same for the same content, whatever the file looks like."""
        return hashlib.sha256(json.dumps(self.content, sort_keys=True).encode()).hexdigest()


def _plain(amount: Decimal) -> str:
    """29.0 and 29.00 are the same price."""
    return format(amount.normalize(), "f")
