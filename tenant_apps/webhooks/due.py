"""Which endpoints have to be looked at, and when: hints in Valkey, so that thousands of tenants cost nothing.

They are hints. The truth stands in the tenants' tables, and the full sweep reads it there; whatever is lost here
comes late, and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from uuid import UUID

import redis
from django.conf import settings

from tenants.context import current_tenant

HINTS: Final = "rowhouse:webhooks:due"
# A message that was sent and led to nothing by then is sent again.
OVERDUE: Final = 30.0
MOST_AT_ONCE: Final = 1000


@lru_cache(maxsize=1)
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.CACHES["default"]["LOCATION"], socket_timeout=5)


def announce(endpoints: Iterable[UUID]) -> None:
    """Hand endpoints of the current tenant to the workers, except those that are in their hands or resting."""
    for endpoint in endpoints:
        if _valkey().zadd(HINTS, {_member(endpoint): time.time() + OVERDUE}, nx=True):
            _send(endpoint)


def wake(endpoint: UUID) -> None:
    """Hand an endpoint of the current tenant to the workers, whatever was known of it."""
    look_at(endpoint, OVERDUE)
    _send(endpoint)


def look_at(endpoint: UUID, seconds: float) -> None:
    """Look at an endpoint of the current tenant after so many seconds."""
    _valkey().zadd(HINTS, {_member(endpoint): time.time() + seconds})


def forget(endpoint: UUID) -> None:
    """Nobody holds the endpoint any more: what happens from here on is announced anew."""
    _valkey().zrem(HINTS, _member(endpoint))


def take_overdue() -> list[tuple[str, str]]:
    """Schemas and endpoints whose time has come; they stay hinted at, in case this process dies."""
    now = time.time()
    found: list[bytes] = _valkey().zrangebyscore(HINTS, "-inf", now, start=0, num=MOST_AT_ONCE)  # type: ignore[assignment]
    members = [member.decode() for member in found]
    if members:
        _valkey().zadd(HINTS, dict.fromkeys(members, now + OVERDUE))
    return [(schema, endpoint) for schema, _, endpoint in (member.partition(":") for member in members)]


def drop(schema: str, endpoint: str) -> None:
    """Forget an endpoint of a tenant that is closed; the full sweep finds it when the tenant is open again."""
    _valkey().zrem(HINTS, f"{schema}:{endpoint}")


def _member(endpoint: UUID) -> str:
    return f"{current_tenant().schema}:{endpoint}"


def _send(endpoint: UUID) -> None:
    from tenant_apps.webhooks.tasks import deliver

    deliver.delay(str(endpoint))
