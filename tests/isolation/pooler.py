"""PgBouncer in transaction mode before the tests' PostgreSQL, with the settings that the product ships."""

import configparser
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from infra.local.binaries import account
from infra.local.ports import LOOPBACK, accepts, free_port
from infra.local.services import temporary_folder
from tests.waiting import wait_until

SHIPPED = Path(__file__).parents[2] / "infra" / "pgbouncer" / "pgbouncer.ini"
MISSING = "No pgbouncer was found. On Debian: apt-get install pgbouncer"


def find_pgbouncer() -> str:
    """The program; installed where that may be done without asking, else the test is skipped (it fails under CI)."""
    found = _on_path() or (_installed() if _may_install() else None)
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(MISSING)
    return str(found)


def _on_path() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _installed() -> str | None:
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "pgbouncer"]
    # Workers take turns: apt-get gives up when another one holds its lock.
    with (Path(tempfile.gettempdir()) / "rowhouse-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _on_path() is None:
            for command in (["apt-get", "update", "--quiet"], install):
                subprocess.run(command, check=False, capture_output=True)
    return _on_path()


def _may_install() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None


@contextmanager
def pooler(pool_size: int) -> Iterator[int]:
    """The port of a pooler that hands at most this many server connections round."""
    program, port = find_pgbouncer(), free_port()
    with temporary_folder() as folder:
        account().own(folder)
        file = _configuration(folder, port, pool_size)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, file], stdout=log, stderr=log, cwd="/", **account().popen)
        try:
            _wait(process, port, folder / "log")
            yield port
        finally:
            process.terminate()
            process.wait(60)


def _configuration(folder: Path, port: int, pool_size: int) -> Path:
    app = settings.DATABASES["default"]
    users = folder / "users.txt"
    users.write_text(f'"{app["USER"]}" "{app["PASSWORD"]}"\n')
    parser = configparser.RawConfigParser()
    parser.read(SHIPPED)
    assert parser["pgbouncer"]["pool_mode"] == "transaction"
    parser["databases"] = {app["NAME"]: f"host={app['HOST']} port={app['PORT']} dbname={app['NAME']}"}
    here = {"listen_addr": LOOPBACK, "listen_port": str(port), "auth_file": str(users)}
    parser["pgbouncer"].update(here | {"default_pool_size": str(pool_size)})
    with (folder / "pgbouncer.ini").open("w") as file:
        parser.write(file)
    for path in (users, folder / "pgbouncer.ini"):
        account().own(path)
    return folder / "pgbouncer.ini"


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    def answers() -> bool:
        assert process.poll() is None, f"PgBouncer did not start: {log.read_text()[-2000:]}"
        return accepts(port)

    wait_until(answers, "PgBouncer did not answer")
