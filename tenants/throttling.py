"""Limits on how often something may be tried, counted in the cache that all processes share."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from tenants.errors import DomainError

log = structlog.get_logger("rowhouse.throttling")


class TooManyRequests(DomainError):
    """A limit is reached; `retry_after` says when to come back, in seconds."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


@dataclass(frozen=True)
class Limit:
    """At most `most` times in `seconds` for one key, in the realm that is entered."""

    name: str
    most: int
    seconds: int

    def refuse_beyond(self, key: str) -> None:
        """Raise TooManyRequests when the limit is reached. Without the cache, nothing is limited."""
        if self._quietly(lambda: cache.get(self._cache_key(key), 0)) >= self.most:
            raise TooManyRequests(
                f"Too many attempts. Wait {self.seconds // 60} minutes and try again.",
                retry_after=self.seconds,
            )

    def count(self, key: str) -> None:
        """Count one try; the first one starts the clock."""
        name = self._cache_key(key)
        self._quietly(lambda: cache.add(name, 1, timeout=self.seconds) or _increase(name))

    def forget(self, key: str) -> None:
        """Take the tries back, because the last one was right."""
        self._quietly(lambda: cache.delete(self._cache_key(key)))

    def _quietly(self, ask: Callable[[], Any]) -> int:
        try:
            return int(ask())
        except RedisError as error:
            log.warning("limit_not_kept", limit=self.name, error=str(error))
            return 0

    def _cache_key(self, key: str) -> str:
        # Hashed: keys are chosen by strangers, and addresses of people do not belong into a cache.
        return f"limit:{self.name}:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _increase(name: str) -> int:
    try:
        return cache.incr(name)
    except ValueError:  # it ran out a moment ago
        return 1


SIGN_IN_BY_ACCOUNT: Final = Limit("sign-in-account", most=10, seconds=600)
SIGN_IN_BY_ADDRESS: Final = Limit("sign-in-address", most=50, seconds=600)
SIGN_UP_BY_ADDRESS: Final = Limit("sign-up-address", most=60, seconds=3600)
