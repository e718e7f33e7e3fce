"""What a run says: a bar with rate and time left for people, JSON lines for programs."""

import json
import time
from typing import IO, Any, Final, Protocol, cast

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY: Final = 1.0  # seconds between two lines that only count


class Reporter(Protocol):
    """Is told what happens; `total` schemas are to be migrated in this run."""

    def say(self, event: str, text: str, **facts: Any) -> None: ...

    def begin(self, total: int) -> None: ...

    def advance(self, done: int, failed: int) -> None: ...

    def end(self) -> None: ...


class Lines:
    """One JSON object a line; lines that only count come at most once a second."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._total = 0
        self._began = self._said = time.monotonic()

    def say(self, event: str, text: str, **facts: Any) -> None:
        self._out.write(json.dumps({"event": event, "text": text, **facts}, default=str) + "\n")
        self._out.flush()

    def begin(self, total: int) -> None:
        self._total, self._began = total, time.monotonic()

    def advance(self, done: int, failed: int) -> None:
        now = time.monotonic()
        if done < self._total and now - self._said < EVERY:
            return
        self._said = now
        rate = done / max(now - self._began, 0.001)
        left = round((self._total - done) / rate, 1) if rate else None
        text = f"{done} of {self._total} schemas, {rate:.0f} a second, {failed} failed"
        self.say(
            "progress",
            text,
            done=done,
            total=self._total,
            failed=failed,
            rate=round(rate, 1),
            seconds_left=left,
        )

    def end(self) -> None:
        """Nothing is left open."""


class Bar:
    """A bar on a terminal; what is said stands above it."""

    def __init__(self, out: OutputWrapper) -> None:
        self._console = Console(file=cast("IO[str]", out._out), highlight=False)
        self._bar: Progress | None = None

    def say(self, event: str, text: str, **facts: Any) -> None:
        style = "bold red" if event in ("failed", "stopped") else None
        self._console.print(text, style=style, markup=False)

    def begin(self, total: int) -> None:
        self._bar = Progress(
            TextColumn("Schemas"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]} failed"),
            console=self._console,
        )
        self._bar.add_task("fleet", total=total, failed=0, rate=0.0)
        self._bar.start()

    def advance(self, done: int, failed: int) -> None:
        if self._bar is not None:
            task = self._bar.tasks[0]
            rate = done / max(task.elapsed or 0.0, 0.001)
            self._bar.update(task.id, completed=done, failed=failed, rate=rate)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Silence:
    """Says nothing."""

    def say(self, event: str, text: str, **facts: Any) -> None: ...

    def begin(self, total: int) -> None: ...

    def advance(self, done: int, failed: int) -> None: ...

    def end(self) -> None: ...


def reporter(out: OutputWrapper, *, lines: bool, quiet: bool = False) -> Reporter:
    """JSON lines when asked for or when nobody watches, a bar on a terminal."""
    if quiet:
        return Silence()
    return Lines(out) if lines or not out.isatty() else Bar(out)
