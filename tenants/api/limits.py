"""How many requests a tenant and each of its credentials may make in a minute.

Counted in Valkey and spent in blocks: a process takes leave for some requests at once, and asks again when they are
used up. What all processes take together is never more than the limit. What a process took and did not use by the end
of the minute is lost to the others: of each limit no more than a sixteenth of what was left, for each process.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import redis
import structlog
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from tenants.api.metering import calls
from tenants.context import Tenant
from tenants.errors import DomainError
from tenants.throttling import TooManyRequests

SECONDS: Final = 60
SHARE: Final = 16
LARGEST_BLOCK: Final = 200
BLIND_FOR: Final = 1.0
# Each key's leave: no more than is wanted, no more than is left.
TAKE: Final = """
local told = {}
for i, key in ipairs(KEYS) do
  local limit, share, block = tonumber(ARGV[i + 3]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local left = limit - tonumber(redis.call('GET', key) or '0')
  local given = math.max(0, math.min(left, block, math.max(1, math.floor(left / share))))
  if given > 0 then redis.call('INCRBY', key, given); redis.call('EXPIRE', key, ARGV[1]) end
  told[2 * i - 1], told[2 * i] = given, left - given
end
return told
"""
log = structlog.get_logger("rowhouse.limits")


@dataclass(frozen=True)
class Quota:
    """Requests in a minute: of the whole tenant, and of one of its credentials. None is no limit."""

    tenant: int | None = None
    credential: int | None = None


@dataclass
class Leave:
    """What a process may still spend of one limit in this minute, and what was left when it last asked."""

    name: str
    limit: int
    mine: int = 0
    others: int = 1

    @property
    def is_used_up(self) -> bool:
        return self.mine == 0 and self.others <= 0

    @property
    def left(self) -> int:
        return self.mine + max(0, self.others)


@dataclass(frozen=True)
class Rate:
    """How one request stands, as its headers tell (draft-ietf-httpapi-ratelimit-headers)."""

    is_allowed: bool
    policy: str
    state: str
    seconds_left: int
    # Which limit is used up, where one is, and how high it is.
    limit: str = ""
    allowed: int = 0


@dataclass
class Minute:
    """What was asked and taken in one minute of the clock."""

    number: int
    quotas: dict[str, Quota] = field(default_factory=dict)
    leaves: dict[tuple[str, str], Leave] = field(default_factory=dict)


class Limiter:
    """This process's share of the limits. Whoever knows plans says what a tenant may: `quota_of`, `plan_of`.

    `refusal_of` says why a tenant wants to pay for no more calls for now; it is asked for each request.
    """

    def __init__(self) -> None:
        self.quota_of: Callable[[Tenant], Quota] = lambda tenant: Quota()
        # What a refusal tells of the plan.
        self.plan_of: Callable[[Tenant], dict[str, Any]] = lambda tenant: {}
        self.refusal_of: Callable[[Tenant], DomainError | None] = lambda tenant: None
        self._lock = threading.Lock()
        self._minute = Minute(0)
        self._blind_until = 0.0
        self._store: Any = None

    def take(self, tenant: Tenant, credential: str) -> Rate | None:
        """Count one request; None where nothing is limited, or cannot be counted."""
        now = time.time()
        with self._lock:
            minute = self._present(int(now) // SECONDS)
            leaves = self._leaves(minute, tenant, credential)
            if not leaves or not self._refill(minute, tenant, credential, leaves):
                return None
            is_allowed = all(leave.mine > 0 for leave in leaves)
            if is_allowed:
                for leave in leaves:
                    leave.mine -= 1
            return _rate(leaves, is_allowed, SECONDS - int(now) % SECONDS)

    def forget(self) -> None:
        """Begin anew, in this process only."""
        with self._lock:
            self._minute, self._blind_until = Minute(0), 0.0

    def _present(self, number: int) -> Minute:
        if self._minute.number != number:
            self._minute = Minute(number)
        return self._minute

    def _leaves(self, minute: Minute, tenant: Tenant, credential: str) -> list[Leave]:
        quota = minute.quotas.get(tenant.schema)
        if quota is None:
            quota = minute.quotas[tenant.schema] = self.quota_of(tenant)
        wanted = (("tenant", "", quota.tenant), ("credential", credential, quota.credential))
        return [
            minute.leaves.setdefault((tenant.schema, key), Leave(name, limit))
            for name, key, limit in wanted
            if limit is not None
        ]

    def _refill(self, minute: Minute, tenant: Tenant, credential: str, leaves: list[Leave]) -> bool:
        """Take leave where it is used up; False when the store does not answer."""
        empty = [leave for leave in leaves if leave.mine == 0]
        if not empty or any(leave.is_used_up for leave in empty):
            return True
        if time.monotonic() < self._blind_until:
            return False
        keys = [
            _key(minute.number, tenant, credential if each.name == "credential" else "") for each in empty
        ]
        try:
            limits = [leave.limit for leave in empty]
            told = self._valkey().eval(TAKE, len(keys), *keys, 2 * SECONDS, SHARE, LARGEST_BLOCK, *limits)
        except RedisError as error:
            self._blind_until = time.monotonic() + BLIND_FOR
            log.warning("limits_not_kept", error=str(error))
            return False
        for leave, given, left in zip(empty, told[::2], told[1::2], strict=True):
            leave.mine, leave.others = int(given), int(left)
        return True

    def _valkey(self) -> Any:
        if self._store is None:
            self._store = redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=0.5)
        return self._store


class ByPlan(BaseThrottle):
    """The throttle of every API view: what the tenant's plan allows."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request, unless it was counted on the short way; raises TooManyRequests."""
        plain: Any = request._request
        tenant: Tenant | None = getattr(plain, "tenant", None)
        principal: Any = request.user
        if tenant is None or not principal.is_authenticated:
            return True
        if not admit(plain, tenant, principal):
            raise TooManyRequests(
                "This workspace or this credential has made all requests of this minute that the plan allows. "
                "Wait as long as Retry-After says, or move to a larger plan.",
                retry_after=plain.rate.seconds_left,
                **_told(tenant, plain.rate),
            )
        return True


def admit(request: Any, tenant: Tenant, principal: Any) -> bool:
    """Whether the request may go on; counts it once, and meters it."""
    if hasattr(request, "rate"):
        return request.rate is None or bool(request.rate.is_allowed)
    rate = limiter.take(tenant, f"{principal.actor_kind}:{principal.pk}")
    request.rate = rate
    if rate is not None and not rate.is_allowed:
        return False
    calls.note(tenant.schema, principal.pk)
    return True


def _key(minute: int, tenant: Tenant, credential: str) -> str:
    return f"rowhouse:rate:{tenant.id}:{credential}:{minute}"


def _told(tenant: Tenant, rate: Rate) -> dict[str, Any]:
    """Plan, limit and use, as every refusal by a plan has them."""
    ends = timezone.now().replace(microsecond=0) + timedelta(seconds=rate.seconds_left)
    used = {"limit": rate.limit, "allowed": rate.allowed, "used": rate.allowed, "resets_at": ends.isoformat()}
    return {**limiter.plan_of(tenant), **used}


def _rate(leaves: list[Leave], is_allowed: bool, seconds: int) -> Rate:
    policy = ", ".join([f'"{leave.name}";q={leave.limit};w={SECONDS}' for leave in leaves])
    state = ", ".join([f'"{leave.name}";r={leave.left};t={seconds}' for leave in leaves])
    spent = next((leave for leave in leaves if leave.mine == 0), None)
    if is_allowed or spent is None:
        return Rate(is_allowed, policy, state, seconds)
    return Rate(is_allowed, policy, state, seconds, f"requests_per_minute_of_{spent.name}", spent.limit)


limiter = Limiter()
