"""bin/dev as a process: started, listened to, and looked for."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import env
from config.variables import VARIABLES
from infra.local import pids

START_SECONDS = 120
RUNS = "Ctrl-C stops everything."

needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks processes up in /proc")


def dev(*arguments: str | Path) -> "subprocess.Popen[str]":
    ours = (*VARIABLES, "ROWHOUSE_TEST_DATABASE", "ROWHOUSE_TEST_QUEUE")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.Popen(
        [sys.executable, "-m", "infra.local.dev", *map(str, arguments)],
        cwd=env.ROOT,
        env=environment | {"ENV_FILES": "false"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(process: "subprocess.Popen[str]", words: str) -> str:
    """Read until a line with these words; a watchdog keeps a silent process from stopping the suite."""
    said = ""
    with watchdog(process):
        assert process.stdout is not None
        for line in process.stdout:
            said += str(line)
            if words in line:
                return said
    raise AssertionError(f"It ended with {process.wait()} before it said {words!r}:\n{said}")


@contextlib.contextmanager
def watchdog(process: "subprocess.Popen[str]") -> Iterator[None]:
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def ended(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """However the test goes, it does not go on afterwards: what it leaves behind, the next start ends."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def mentioning(folder: Path) -> list[int]:
    """The living processes whose command or environment names a folder."""
    return _found(
        lambda entry: (
            str(folder).encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        )
    )


def at_work_in(folder: Path) -> list[int]:
    """The living processes that name a folder or stand in it, as the servers do."""
    return sorted(
        {*mentioning(folder), *_found(lambda entry: (entry / "cwd").readlink().is_relative_to(folder))}
    )


def _found(is_it: Callable[[Path], bool]) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if is_it(entry) and pids.start_time(int(entry.name)):
                found.append(int(entry.name))
    return found
