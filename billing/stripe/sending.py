"""What the export needs of Stripe, and the manners it keeps towards it: a pace, and rest after failures."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

# Stripe takes 1,000 meter events a second of an account; two workers may be at it, and others send too.
EVENTS_PER_SECOND: Final = 400.0
FAILURES: Final = 8
REST_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """One message: all of it follows from the window that it tells of."""

    customer: str
    event_name: str
    value: int
    at: datetime
    identifier: str


class Refused(Exception):
    """Stripe will never take it as it is."""


class Unavailable(Exception):
    """No answer, or not now. The message may have arrived all the same."""


class Gateway(Protocol):
    """The way to Stripe's meters. An event whose identifier is known there counts as sent."""

    def send(self, event: MeterEvent) -> None:
        """Raise Refused or Unavailable, or have it taken in."""

    def summaries(
        self, *, event_name: str, customer: str, begin: datetime, end: datetime
    ) -> Mapping[datetime, int]:
        """What Stripe has counted, by hours; an hour without events is left out."""


class Pace:
    """Lets so many through in a second, whoever asks."""

    def __init__(self, rate: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._step, self._clock = 1 / rate, clock
        self._next = 0.0
        self._lock = threading.Lock()

    def delay(self) -> float:
        """Take the next place; how long to wait for it."""
        with self._lock:
            now = self._clock()
            place = max(self._next, now)
            self._next = place + self._step
            return place - now

    def wait(self) -> None:
        """Wait for the next place."""
        if (delay := self.delay()) > 0:
            time.sleep(delay)


class Breaker:
    """Opens after so many failures in a row, and lets one try through when it has rested."""

    def __init__(
        self,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._rest, self._clock = failures, rest, clock
        self._failures, self._opened = 0, 0.0
        self._lock = threading.Lock()

    @property
    def is_resting(self) -> bool:
        """Whether it is not worth asking yet."""
        with self._lock:
            return self._failures >= self._most and self._clock() < self._opened + self._rest

    def lets_through(self) -> bool:
        """Whether it is worth a try; after a rest one caller is told so, and the others wait for how that goes."""
        with self._lock:
            if self._failures < self._most:
                return True
            if self._clock() < self._opened + self._rest:
                return False
            self._opened = self._clock()
            return True

    def note(self, *, is_well: bool) -> None:
        """How a try went."""
        with self._lock:
            self._failures = 0 if is_well else self._failures + 1
            if self._failures == self._most:
                self._opened = self._clock()
