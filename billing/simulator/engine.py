"""Lets time pass: what is due happens in its order, on test clocks and on everybody's."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable

from billing.simulator.changing import expire_pending
from billing.simulator.checkout import expire_due
from billing.simulator.collecting import retry
from billing.simulator.renewals import (
    expire_incomplete,
    finalize_due,
    overdue,
    renew,
    resume_collection,
    trial_will_end,
    upcoming,
)
from billing.simulator.schedules import next_phase
from billing.simulator.shapes import Object
from billing.simulator.world import Due, World

TICK = 1.0
DEEDS: dict[str, Callable[[World, Object, int], None]] = {
    "renew": renew,
    "trial_will_end": trial_will_end,
    "upcoming": upcoming,
    "expire_incomplete": expire_incomplete,
    "finalize": finalize_due,
    "retry": lambda world, invoice, now: retry(world, invoice),
    "overdue": overdue,
    "expire_pending": lambda world, found, now: expire_pending(world, found),
    "resume_collection": resume_collection,
    "phase": next_phase,
    "expire_checkout": expire_due,
}


class Engine:
    """A thread that advances test clocks when asked, and everybody's clock each second."""

    def __init__(
        self, world: World, send: Callable[[list[Object]], None], settle: Callable[[float], None]
    ) -> None:
        self.world, self._send, self._settle = world, send, settle
        self._asked: queue.Queue[str | None] = queue.Queue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._asked.put(None)
        self._thread.join(1)

    def advance(self, clock: str | None) -> None:
        """Have a test clock brought to its target, or everybody's to now."""
        self._asked.put(clock)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                clock = self._asked.get(timeout=TICK)
            except queue.Empty:
                clock = None
            self.run(clock)

    def run(self, clock: str | None) -> None:
        """Do all that is due on a clock, one moment after the other."""
        while self._step(clock):
            # The platform gets its webhooks before the next thing happens, as it would in life.
            self._settle(self.world.settings.wait_for_webhooks if clock else 0)

    def _step(self, clock: str | None) -> bool:
        with self.world.lock:
            found = self.world.store.find("test_helpers.test_clock", clock)
            if clock is not None and found is None:
                return False
            until = self.world.now() if found is None else self.world.store.secrets[found["id"]]["target"]
            due = self.world.next_due(clock, until)
            if due is None:
                _arrive(self.world, found, until)
            else:
                _do(self.world, found, due)
            self._send(self.world.taken())
            self.world.touched |= due is not None
            return due is not None


def _do(world: World, clock: Object | None, due: Due) -> None:
    if clock is not None:
        clock["frozen_time"] = max(clock["frozen_time"], due.at)
    about = world.store.anywhere(due.about)
    if about is None:
        return
    try:
        DEEDS[due.what](world, about, due.at if clock is not None else world.now())
    except Exception:  # noqa: BLE001 - a mistake about one object must not stop everybody's time
        traceback.print_exc()


def _arrive(world: World, clock: Object | None, until: int) -> None:
    if clock is not None and clock["status"] == "advancing":
        clock |= {"frozen_time": until, "status": "ready", "status_details": {}}
        world.emit("test_helpers.test_clock.ready", clock)
