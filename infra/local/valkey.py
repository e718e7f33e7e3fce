"""An own Valkey on the loopback address."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from infra.local import pids
from infra.local.binaries import ServiceError, valkey_program
from infra.local.ports import LOOPBACK, free_port

START_SECONDS = 60
STOP_SECONDS = 10


class Valkey:
    """A Valkey server that lives in a folder. `durable=False` keeps nothing on disk: tests only."""

    def __init__(self, data_dir: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.data_dir, self.durable, self.wanted_port = data_dir.resolve(), durable, port
        self.port = port or 0
        self.password = secrets.token_urlsafe(24)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's URL with its password, database 0."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data_dir / "valkey.log"

    def start(self) -> None:
        """Start, and wait until it has loaded its data; once more when the port was snatched meanwhile."""
        (self.data_dir / "valkey").mkdir(parents=True, exist_ok=True)
        self._end_leftover()
        for _ in range(5):
            self.port = self.wanted_port or free_port()
            self._launch()
            if self._ready():
                self.wanted_port = self.port
                return
            self.stop()
            said = self.log.read_text(errors="replace")[-1500:].strip()
            if self.wanted_port or "in use" not in said:
                break
        raise ServiceError(f"Valkey did not start. Its log, {self.log}, ends with:\n{said}")

    def stop(self) -> None:
        """Shut down; a durable server writes what it still holds."""
        if self.process is None:
            return
        for number in (signal.SIGTERM if self.durable else signal.SIGKILL, signal.SIGKILL):
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def _end_leftover(self) -> None:
        """End a server whose starter was killed: two would write into the same files."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid, started = self._pid_file.read_text().split(" ", 1)
            if pids.start_time(int(pid)) == started:
                pids.end(int(pid), signal.SIGTERM, signal.SIGKILL, seconds=STOP_SECONDS)

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "valkey.pid"

    def _launch(self) -> None:
        with self.log.open("wb") as log:
            reads, writes = os.pipe()
            self.process = subprocess.Popen(
                [valkey_program(), "-"], stdin=reads, stdout=log, stderr=log, start_new_session=True
            )
        os.close(reads)
        self._pid_file.write_text(f"{self.process.pid} {pids.start_time(self.process.pid)}")
        with os.fdopen(writes, "w") as configuration:
            configuration.write(self._configuration())

    def _configuration(self) -> str:
        """Given on standard input, so that the password stands in no process list."""
        persistence = ("appendonly yes", 'save ""') if self.durable else ("appendonly no", 'save ""')
        lines = (
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.data_dir / "valkey"}"',
            "daemonize no",
            *persistence,
        )
        return "\n".join(lines) + "\n"

    def _ready(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.process is not None and self.process.poll() is None and time.monotonic() < deadline:
            if self._ping():
                return True
            time.sleep(0.01)
        return False

    def _ping(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as line:
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    chunk = line.recv(200)
                    if not chunk:
                        return False
                    answer += chunk
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False
