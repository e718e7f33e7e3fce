"""The account as a whole: its objects, its time, its switches, and what is due when."""

from __future__ import annotations

import copy
import heapq
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from billing.simulator.events import new_event
from billing.simulator.shapes import Object
from billing.simulator.store import Store

DAY, HOUR, MINUTE = 86_400, 3_600, 60


@dataclass
class Settings:
    """What an account can set at Stripe's, and how fast this one is."""

    # Seconds of real time until a meter event shows in summaries and previews.
    summary_lag: float = 0.0
    # How long one meter event holds its customer and meter; a second call meanwhile is answered with 429.
    meter_event_seconds: float = 0.0
    meter_events_per_second: int = 1000
    identifier_hours: int = 24
    # The grace between an invoice's draft and its final form.
    finalize_after: int = HOUR
    # Days between attempts to charge, and what becomes of the subscription after the last one.
    retry_days: list[int] = field(default_factory=lambda: [3, 5, 7])
    after_retries: str = "cancel"
    upcoming_days: int = 7
    # A test clock waits at each step until webhooks are delivered, as long as this.
    wait_for_webhooks: float = 10.0


@dataclass(order=True)
class Due:
    """Something that happens at a moment."""

    at: int
    # A phase of a schedule begins before the renewal at the same moment.
    late: bool
    order: int
    what: str = field(compare=False)
    about: str = field(compare=False)


class World:
    """One Stripe account in test mode."""

    def __init__(self, address: str = "", clock: Callable[[], float] = time.time) -> None:
        self.address, self._clock = address, clock
        self.lock = threading.RLock()
        self.store, self.settings = Store(), Settings()
        # Events that a call has caused; they go out when it has committed.
        self.emitted: list[Object] = []
        self.usage: dict[str, Any] = {}
        self.offset = 0
        # Told of a test clock that shall move.
        self.advancing: Callable[[str | None], None] = lambda clock: None
        self._agendas: defaultdict[str | None, list[Due]] = defaultdict(list)
        self._order = 0
        # Whether anything has happened since the account was written into its file.
        self.touched = False

    def reset(self) -> None:
        """An account on its first day."""
        self.store.clear()
        self.settings, self.offset = Settings(), 0
        self.emitted.clear()
        self.usage.clear()
        self._agendas.clear()

    def now(self, about: Object | str | None = None) -> int:
        """The time of an object: its test clock's, or everybody's."""
        clock = self.store.find("test_helpers.test_clock", self.clock_of(about))
        return int(self._clock()) + self.offset if clock is None else int(clock["frozen_time"])

    def clock_of(self, about: Object | str | None) -> str | None:
        """The test clock of an object or of its customer, or of a customer by id."""
        if about is None:
            return None
        if isinstance(about, str):
            about = self.store.find("customer", about) or {}
        own: str | None = about.get("test_clock")
        owner = about.get("customer")
        return own or (self.clock_of(owner) if isinstance(owner, str) else None)

    def stamp(self, made: Object) -> Object:
        """Take a new object in, with the moment it was made."""
        if "created" in made:
            made["created"] = self.now(made)
        return self.store.add(made)

    def emit(self, kind: str, about: Object, previous: Object | None = None) -> None:
        """Note that something has happened."""
        self.emitted.append(new_event(self, kind, about, previous))

    def taken(self) -> list[Object]:
        """The events since the last call, which are now somebody else's to send."""
        events, self.emitted = self.emitted, []
        return events

    def plan(self, at: int, what: str, about: Object) -> None:
        """Have `what` done to an object at a moment; whoever does it looks whether it still applies."""
        self._order += 1
        due = Due(at, what != "phase", self._order, what, about["id"])
        heapq.heappush(self._agendas[self.clock_of(about)], due)

    def next_due(self, clock: str | None, until: int) -> Due | None:
        """Take the earliest entry that is due."""
        agenda = self._agendas[clock]
        return heapq.heappop(agenda) if agenda and agenda[0].at <= until else None

    def snapshot(self) -> tuple[Any, ...]:
        """All there is, to go back to."""
        return copy.deepcopy((self.store, self.emitted, self.usage, self._agendas))

    def saved(self) -> dict[str, Any]:
        """What another process needs to go on."""
        names = ("store", "settings", "usage", "offset", "_agendas", "_order")
        return {name: getattr(self, name) for name in names}

    def load(self, saved: dict[str, Any]) -> None:
        """Go on where another process was."""
        for name, value in saved.items():
            setattr(self, name, value)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Go back: nothing since then has happened."""
        self.store, self.emitted, self.usage, self._agendas = snapshot
