"""Who a process is: a pid alone may by now belong to a stranger, a pid with its start time may not."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def start_time(pid: int) -> str | None:
    """A mark that no other process with this pid ever had; None when the process is gone or a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return _ps(pid, "lstart=")
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def command_line(pid: int) -> str:
    """The command that a process runs, "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else _ps(pid, "command=") or ""


def _ps(pid: int, column: str) -> str | None:
    found = subprocess.run(["ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def gone(pid: int, seconds: float) -> bool:
    """Wait until a process that may not be our child has ended."""
    return _comes_true(lambda: start_time(pid) is None, seconds)


def _comes_true(condition: Callable[[], bool], seconds: float) -> bool:
    """The system tells nobody but its parent of a process's end, so it is asked again and again."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def end(pid: int, *signals: signal.Signals, seconds: float = 5) -> None:
    """Send each signal in turn until the process is gone."""
    for number in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if gone(pid, seconds):
            return


def group(pgid: int) -> list[int]:
    """The living processes of a process group."""
    if not Path("/proc/self/stat").exists():
        columns = ["ps", "-A", "-o", "pid=,pgid=,stat="]
        table = subprocess.run(columns, capture_output=True, text=True, check=False)
        rows = (line.split() for line in table.stdout.splitlines())
        return [int(pid) for pid, of, state in rows if int(of) == pgid and not state.startswith("Z")]
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [pid for pid in pids if _group_of(pid) == pgid and start_time(pid)]


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def kill_group(pgid: int, seconds: float = 5) -> None:
    """Kill what is left of a process group, and wait until it is gone: under load a killed process takes its time."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)
    _comes_true(lambda: not group(pgid), seconds)
