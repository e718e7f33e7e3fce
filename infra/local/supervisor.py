"""Keeps a handful of processes running and their output readable."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from infra.local import pids

ROOT = Path(__file__).resolve().parents[2]
COLOURS = (36, 33, 35, 32, 34, 31)
COLOUR_CODES = re.compile(r"\x1b\[[0-9;]*m")
BACKOFF = (0.5, 1, 2, 5, 10)
HEALTHY_AFTER = 30
STOP_SECONDS = 5


class Service(Protocol):
    """A server that the processes stand on."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start it again, where it was."""


class Child:
    """One process, restarted when it ends; one that has a task to do `once` is, until it has done it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        say: Say,
        *,
        once: bool = False,
    ) -> None:
        self.name, self.command, self.environment, self.say = name, list(command), dict(environment), say
        self.once, self.is_done = once, False
        self.process: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started_at, self.start_again_at = 0.0, math.inf

    def start(self) -> None:
        """Start in a process group of its own: Ctrl-C is ours to pass on, in our order."""
        self.is_done = False
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        threading.Thread(target=self._copy_output, args=[self.process.stdout], daemon=True).start()

    def let_begin(self) -> None:
        """Tell a process that waits for it that it is on record; others take no notice."""
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(OSError):
                self.process.stdin.write(b"\n")
                self.process.stdin.close()

    def ask_to_stop(self) -> None:
        """Send the polite signal."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self, deadline: float) -> None:
        """Wait for the end until the deadline, then kill; nothing of the group stays behind."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.say(self.name, "did not stop in time and is killed")
        pids.kill_group(self.process.pid)
        self.process.wait()
        self.process = None

    def tend(self) -> bool:
        """Notice an end, and start again after a pause that grows; True when a new process was started."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._note_the_end(now, self.process)
        if self.process is None and now >= self.start_again_at:
            self.start()
            return True
        return False

    def _note_the_end(self, now: float, process: subprocess.Popen[bytes]) -> None:
        pids.kill_group(process.pid)
        if self.once and process.returncode == 0:
            self.is_done, self.start_again_at, self.process = True, math.inf, None
            return
        self.failures = 0 if now - self.started_at > HEALTHY_AFTER else self.failures
        pause = BACKOFF[min(self.failures, len(BACKOFF) - 1)]
        self.say(self.name, f"ended with {_ending(process.returncode)}; starts again in {pause} s")
        self.failures, self.start_again_at, self.process = self.failures + 1, now + pause, None

    def _copy_output(self, stream: IO[bytes]) -> None:
        for line in stream:
            self.say(self.name, line.decode(errors="replace").rstrip())


class Say:
    """Prints a line with the name of who said it, in a colour of its own on a terminal."""

    def __init__(self, names: Sequence[str], *, quiet: bool = False, stream: IO[str] | None = None) -> None:
        self.stream, self.quiet = stream or sys.stdout, quiet
        self.width = max(map(len, names), default=0)
        self.colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
        self.coloured = self.stream.isatty() and not os.environ.get("NO_COLOR")
        self.last: list[str] = []

    def __call__(self, name: str, line: str) -> None:
        prefix = f"{name:<{self.width}} | "
        line = line if self.coloured else COLOUR_CODES.sub("", line)
        self.last = [*self.last[-99:], prefix + line]
        if self.quiet:
            return
        if self.coloured:
            prefix = f"\x1b[{self.colours.get(name, 37)}m{prefix}\x1b[0m"
        self.stream.write(f"{prefix}{line}\n")
        self.stream.flush()


class Supervisor:
    """Starts children, tends them, and stops them in the reverse order."""

    def __init__(
        self, children: Sequence[Child], services: Mapping[str, Service], record: Path, say: Say
    ) -> None:
        self.children, self.services, self.record, self.say = children, services, record, say
        self.stopping = threading.Event()

    def start(self, *names: str) -> None:
        """Start the named children, or all."""
        for child in self.children:
            if child.name in names or not names:
                child.start()
        self._remember()

    def run(self, *, until: Callable[[], Any] = lambda: False, seconds: float | None = None) -> bool:
        """Tend everything until it is asked to stop (False), time is up (False) or `until` holds (True)."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.stopping.is_set() and (deadline is None or time.monotonic() < deadline):
            if until():
                return True
            self.tend()
            self.stopping.wait(0.05)
        return False

    def tend(self) -> None:
        """Bring back what ended: services first, for the children need them."""
        for name, service in self.services.items():
            if service.process is not None and service.process.poll() is not None:
                self.say(name, "ended; starts again")
                service.start()
        started = [child.tend() for child in self.children]
        if any(started):
            self._remember()

    def restart(self) -> None:
        """Start every child anew, for new code."""
        self._stop_children()
        self.start()

    def stop(self) -> None:
        """Stop the children; the services are their owner's to stop, afterwards."""
        self.stopping.set()
        self._stop_children()
        self.record.unlink(missing_ok=True)

    def _stop_children(self) -> None:
        for child in reversed(self.children):
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):
            child.stop(deadline)

    def _remember(self) -> None:
        """Write down who lives, for the next start to end should this one be killed, and only then let them begin."""
        living = [child.process.pid for child in self.children if child.process is not None]
        half = self.record.with_name(f"{self.record.name}.new")
        half.write_text(json.dumps({str(pid): pids.start_time(pid) for pid in living}))
        half.replace(self.record)
        for child in self.children:
            child.let_begin()


def end_leftovers(record: Path, marks: Sequence[str]) -> int:
    """Kill what a killed supervisor left running; a pid that now belongs to a stranger is left alone."""
    try:
        known: dict[str, str | None] = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return 0
    ours = [int(pid) for pid, started in known.items() if _is_ours(int(pid), started, marks)]
    for pid in ours:
        pids.kill_group(pid)
        pids.gone(pid, STOP_SECONDS)
    record.unlink()
    return len(ours)


def _is_ours(pid: int, started: str | None, marks: Sequence[str]) -> bool:
    now = pids.start_time(pid)
    if now is not None:
        return now == started
    # The leader died before its group: as long as members live, the group's number is not given away.
    members = pids.group(pid)
    return bool(members) and all(any(mark in pids.command_line(pid) for mark in marks) for pid in members)


def _ending(code: int) -> str:
    return f"status {code}" if code >= 0 else signal.Signals(-code).name
