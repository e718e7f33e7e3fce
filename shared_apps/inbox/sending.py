"""Messages to the workers, sent by a thread of each process: an answer to Stripe waits for the database alone."""

from __future__ import annotations

import threading
from queue import Empty, Full, Queue
from typing import Final
from uuid import UUID

import structlog

MOST: Final = 10_000
# What comes within a moment travels together: a message costs as much as an event.
MOMENT: Final = 0.05
TOGETHER: Final = 20
# While the queue of the workers is away, it is left alone for as long.
QUIET_SECONDS: Final = 5.0
log = structlog.get_logger("rowhouse.inbox")


class Messenger:
    """Sends workers to events. What it loses, because the queue is away or the process ends, the sweeper finds."""

    def __init__(self) -> None:
        self._ids: Queue[UUID] = Queue(MOST)
        self._starting = threading.Lock()
        self._never = threading.Event()
        self._thread: threading.Thread | None = None

    def send(self, event_id: UUID) -> None:
        """Have a worker sent to an event; returns at once."""
        try:
            self._ids.put_nowait(event_id)
        except Full:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="inbox-messenger", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            ids = [self._ids.get()]
            self._never.wait(MOMENT)
            try:
                send_together([*ids, *self._taken(TOGETHER - 1)])
            except Exception as error:  # noqa: BLE001  (without this thread every event would wait for the sweeper)
                log.warning("inbox.queue_away", error=str(error))
                self._never.wait(QUIET_SECONDS)
                self._taken(MOST)

    def _taken(self, most: int) -> list[UUID]:
        """What waits here, up to so many."""
        found: list[UUID] = []
        try:
            while len(found) < most:
                found.append(self._ids.get_nowait())
        except Empty:
            pass
        return found


def send_together(event_ids: list[UUID]) -> None:
    """One message about some events."""
    from shared_apps.inbox.tasks import process_events

    process_events.apply_async(([str(event_id) for event_id in event_ids],), retry=False)


messenger = Messenger()
