"""Calls that fail on purpose: before or after they have had their effect, slowly, or not at all."""

from __future__ import annotations

import random
import re
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any

from billing.simulator.refusals import Refusal

BEFORE = frozenset({"error_before", "rate_limit", "cut_before"})
AFTER = frozenset({"error_after", "cut_after"})
KINDS = BEFORE | AFTER | {"slow"}


class Cut(Exception):
    """The connection ends without an answer."""


@dataclass
class Fault:
    """One rule: which calls, what happens to them, how often."""

    kind: str
    path: str = ".*"
    method: str = ""
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 1.0
    happened: int = 0

    def applies(self, method: str, path: str) -> bool:
        return (
            (not self.method or self.method == method)
            and re.fullmatch(self.path, path) is not None
            and (self.times is None or self.happened < self.times)
        )


class Faults:
    """The rules that tests have set."""

    def __init__(self, seed: int = 0) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._chance = random.Random(seed)  # noqa: S311 - chance that can be repeated is the aim

    def add(self, **values: Any) -> dict[str, Any]:
        """A new rule; what is wrong with it is said."""
        if values.get("kind") not in KINDS:
            raise Refusal(f"Invalid kind: must be one of {', '.join(sorted(KINDS))}", param="kind")
        try:
            rule = Fault(**values)
            re.compile(rule.path)
        except (TypeError, re.error) as error:
            raise Refusal(f"Invalid fault: {error}") from None
        self._rules.append(rule)
        return asdict(rule)

    def clear(self) -> None:
        self._rules.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def before(self, method: str, path: str) -> None:
        """What happens to a call before it has any effect."""
        if rule := self._hit("slow", method, path):
            time.sleep(rule.seconds)
        if self._hit("cut_before", method, path):
            raise Cut
        if self._hit("rate_limit", method, path):
            raise Refusal("Too many requests in too short a time.", code="rate_limit", status=429)
        if self._hit("error_before", method, path):
            raise _error()

    def after(self, method: str, path: str) -> None:
        """What happens to the answer of a call that has had its effect."""
        if self._hit("cut_after", method, path):
            raise Cut
        if self._hit("error_after", method, path):
            raise _error()

    def _hit(self, kind: str, method: str, path: str) -> Fault | None:
        with self._lock:
            for rule in self._rules:
                if (
                    rule.kind == kind
                    and rule.applies(method, path)
                    and self._chance.random() < rule.probability
                ):
                    rule.happened += 1
                    return rule
        return None


def _error() -> Refusal:
    message = "An unknown error occurred. This fault was asked for from the simulator."
    return Refusal(message, kind="api_error", status=500)
