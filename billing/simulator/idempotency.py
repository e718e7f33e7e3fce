"""Idempotency keys: the same call again gets the same answer, another call with the key is refused."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

from billing.simulator.refusals import Refusal
from billing.simulator.world import DAY


@dataclass
class Kept:
    """What a key stands for; without an answer the call is still running."""

    call: str
    at: float
    status: int = 0
    body: bytes = b""


class Keys:
    """The keys of the last day."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, call: str, now: float) -> Kept | None:
        """The earlier answer, or None when this call is the first with its key and now holds it."""
        digest = hashlib.sha256(call.encode()).hexdigest()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or now - kept.at > DAY:
                self._kept[key] = Kept(digest, now)
                return None
        if kept.call != digest:
            raise _other_call(key)
        if not kept.status:
            raise _still_running(key)
        return kept

    def finish(self, key: str, status: int, body: bytes) -> None:
        """Keep the answer."""
        with self._lock:
            self._kept[key].status, self._kept[key].body = status, body

    def abandon(self, key: str) -> None:
        """The call never began: the key is free again."""
        with self._lock:
            self._kept.pop(key, None)

    def saved(self) -> dict[str, Kept]:
        """The keys that have an answer."""
        with self._lock:
            return {key: kept for key, kept in self._kept.items() if kept.status}

    def load(self, saved: dict[str, Kept]) -> None:
        with self._lock:
            self._kept = dict(saved)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _other_call(key: str) -> Refusal:
    return Refusal(
        "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
        f"using a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
    )


def _still_running(key: str) -> Refusal:
    return Refusal(
        f"There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later.",
        kind="idempotency_error",
        code="idempotency_key_in_use",
        status=409,
    )
