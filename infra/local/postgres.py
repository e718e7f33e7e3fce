"""An own PostgreSQL on the loopback address, started from plain binaries."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.local import pids
from infra.local.binaries import (
    Account,
    ServiceError,
    account,
    postgresql_programs,
    postgresql_version,
)
from infra.local.ports import LOOPBACK, free_port

START_SECONDS = 300
STOP_SECONDS = 20
OUTSIDE = Path("/var/lib/rowhouse")
IN_USE = ("already in use", "could not bind")
STILL_ENDING = ("is still in use", "already exists")
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "max_locks_per_transaction": "512",
    "password_encryption": "scram-sha-256",
}
if sys.platform == "linux":
    # Every tenant has hundreds of files: after a crash their file system is synced, not one file after the other.
    SETTINGS["recovery_init_sync_method"] = "syncfs"
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "512MB",  # its files may lie in memory
}
CLUSTER = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


class Postgres:
    """A PostgreSQL server that lives in a folder. `durable=False` trades safety for speed: tests only."""

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        database: str = "rowhouse",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir, self.durable, self.database = data_dir.resolve(), durable, database
        self.settings = SETTINGS | ({} if durable else THROWAWAY) | dict(settings or {})
        self.wanted_port = port
        self.port = port or 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The administrator's URL."""
        password = quote((self.data_dir / "postgres-password").read_text(), safe="")
        return f"postgresql://postgres:{password}@{LOOPBACK}:{self.port}/{self.database}"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data_dir / "postgres.log"

    def start(self) -> None:
        """Make the cluster if there is none, end what a crash left behind, and wait until it answers."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        user, home = account(), self.home()
        if home != self.data_dir:
            for folder in (OUTSIDE, home):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o755)
        programs = postgresql_programs(fallback=home / "postgres-programs")
        cluster = home / "postgres"
        if not (cluster / "PG_VERSION").exists():
            self._make_cluster(programs, user, cluster)
        _refuse_other_version(programs, cluster)
        end_leftover(cluster)
        self._start_until_it_holds(programs, user, cluster)
        self._make_database()

    def stop(self) -> None:
        """Shut down: properly when durable, at once when not."""
        if self.process is None:
            return
        first = signal.SIGINT if self.durable else signal.SIGQUIT
        for number in (first, signal.SIGQUIT, signal.SIGKILL):
            self.process.send_signal(number)
            try:
                self.process.wait(STOP_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def home(self) -> Path:
        """The cluster's folder: `data_dir`, unless PostgreSQL's user cannot get there (below /root, say)."""
        user = account()
        if user.can_run("test", "-x", self.data_dir):
            return self.data_dir
        return OUTSIDE / hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]

    def _make_cluster(self, programs: Path, user: Account, cluster: Path) -> None:
        password = self._new_password()
        with tempfile.TemporaryDirectory(dir=cluster.parent, prefix="initdb-") as folder:
            user.own(Path(folder))
            password_file = Path(folder) / "password"
            password_file.write_text(password)
            user.own(password_file)
            half = Path(folder) / "cluster"
            command = [str(programs / "initdb"), "-D", str(half), f"--pwfile={password_file}", *CLUSTER]
            command += [] if self.durable else ["--no-sync"]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **user.popen)
            if done.returncode:
                raise ServiceError(
                    f"PostgreSQL could not make its files in {cluster}:\n{done.stderr.strip()}"
                )
            shutil.rmtree(cluster, ignore_errors=True)
            half.rename(cluster)

    def _new_password(self) -> str:
        path = self.data_dir / "postgres-password"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
        return path.read_text()

    def _start_until_it_holds(self, programs: Path, user: Account, cluster: Path) -> None:
        """Start; again when the port was snatched, or while a killed server's last processes still end."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.port = self.wanted_port or free_port()
            said = self._try_to_start(programs, user, cluster, deadline)
            if said is None:
                self.wanted_port = self.port
                return
            snatched = self.wanted_port is None and any(words in said for words in IN_USE)
            if time.monotonic() > deadline or not (snatched or any(words in said for words in STILL_ENDING)):
                raise ServiceError(f"PostgreSQL did not start. Its log, {self.log}, ends with:\n{said}")
            time.sleep(0.2)

    def _try_to_start(self, programs: Path, user: Account, cluster: Path, deadline: float) -> str | None:
        """None when the server is ready, else the end of its log."""
        settings = self.settings | {"port": str(self.port)}
        command = [str(programs / "postgres"), "-D", str(cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("wb") as log:
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.process = subprocess.Popen(command, cwd="/", start_new_session=True, **streams, **user.popen)
        while self.process.poll() is None and time.monotonic() < deadline:
            if _status(cluster, self.process.pid) == "ready":
                return None
            time.sleep(0.02)
        self.stop()
        return self.log.read_text(errors="replace")[-2000:].strip()

    def _make_database(self) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(self.url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [self.database]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))


def end_leftover(cluster: Path) -> None:
    """End a server whose starter was killed; drop a pid file whose pid belongs to somebody else by now."""
    lines = _pid_file(cluster)
    if not lines or not lines[0].isdigit():
        return
    pid = int(lines[0])
    if str(cluster) in pids.command_line(pid):
        pids.end(pid, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, seconds=STOP_SECONDS)
    else:
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _status(cluster: Path, pid: int) -> str:
    """What the server itself wrote about its state: a connection would be refused during crash recovery."""
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else ""


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _refuse_other_version(programs: Path, cluster: Path) -> None:
    has = (cluster / "PG_VERSION").read_text().strip()
    runs = str(postgresql_version(programs))
    if has != runs:
        raise ServiceError(
            f"The data in {cluster} is PostgreSQL {has}'s, but the programs here are PostgreSQL {runs}'s. "
            "Start with the matching programs and dump it, or begin anew with bin/dev --reset."
        )
