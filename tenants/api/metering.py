"""Every API call is counted: noted in memory, and written down by a thread a few times a second.

A process that is killed loses what it noted since, at most `EVERY` seconds of calls, in the customer's favour.
"""

import atexit
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from tenants.models import uuid7

EVERY: Final = 0.2
BATCH: Final = 1_000
MOST: Final = 100_000
log = structlog.get_logger("rowhouse.metering")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call. Its key is the platform's own: callers name their requests, and could give all of them one name.

    `source` is the API token or the person that it was let through for.
    """

    key: UUID
    schema: str
    at: datetime
    source: UUID | None = None


Sink = Callable[[Sequence[ApiCall]], None]


class Calls:
    """The calls that are not yet written down. `sink` writes them; whoever keeps the ledger sets it."""

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self._noted: deque[ApiCall] = deque(maxlen=MOST)
        self._full = threading.Event()
        self._writer: threading.Thread | None = None

    def note(self, schema: str, source: UUID) -> None:
        """Remember one call."""
        self._noted.append(ApiCall(uuid7(), schema, timezone.now(), source))
        if len(self._noted) >= BATCH:
            self._full.set()

    def start(self) -> None:
        """Write down what is noted, in the background and until the process ends."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="api-calls", daemon=True)
            self._writer.start()
            atexit.register(self.flush)

    def flush(self) -> int:
        """Write down what is noted now; how many that were. What cannot be written is kept for the next time."""
        batch = [self._noted.popleft() for _ in range(min(len(self._noted), BATCH))]
        if not batch or self.sink is None:
            return 0
        try:
            self.sink(batch)
        except Exception as error:  # noqa: BLE001  (the next time may go well, and the keys make it harmless)
            log.warning("calls_not_written", calls=len(batch), error=str(error))
            self._noted.extendleft(reversed(batch))
            return 0
        return len(batch)

    def forget(self) -> None:
        """Drop what is noted, in this process only."""
        self._noted.clear()

    def _write(self) -> None:
        while True:
            self._full.wait(EVERY)
            self._full.clear()
            while self.flush() == BATCH:
                pass


calls = Calls()
