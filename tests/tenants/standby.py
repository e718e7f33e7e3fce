"""A streaming replica of the tests' PostgreSQL: its files, copied while it runs, and a server that follows it."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.local.binaries import account
from infra.local.postgres import Postgres
from infra.local.services import temporary_folder
from tests.stage import administrator, database_name, worker_number
from tests.waiting import wait_until

SLOT = f"replica_of_worker_{worker_number()}"
NOT_COPIED = ("postmaster.pid", "postmaster.opts", "pg_wal", "pg_replslot")


class Standby:
    """The replica, and what a test wants to do to it."""

    def __init__(self, server: Postgres) -> None:
        self.port = server.port
        self.admin = psycopg.connect(server.url, autocommit=True)

    def pause(self) -> None:
        """Stop replaying: from now on every write is missing here."""
        self.admin.execute("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self._ask("pg_get_wal_replay_pause_state()") == "paused")

    def follow(self) -> None:
        """Replay, and wait until all is here that was written so far."""
        self.admin.execute("SELECT pg_wal_replay_resume()")
        with administrator() as primary:
            # The tests' server writes its log lazily; this commit makes it hurry.
            primary.execute("SET synchronous_commit = on")
            primary.execute("SELECT pg_logical_emit_message(true, 'tests', 'now')")
            row = primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        assert row is not None
        wait_until(lambda: self._ask(f"pg_last_wal_replay_lsn() >= '{row[0]}'"))

    def end_connections(self) -> None:
        """Close what the application holds here."""
        self.admin.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE usename = 'rowhouse_app'"
        )

    def _ask(self, question: str) -> Any:
        row = self.admin.execute(f"SELECT {question}").fetchone()
        return row and row[0]


@contextmanager
def standby() -> Iterator[Standby]:
    """Make it and let it follow; skips where the server's files cannot be reached."""
    with temporary_folder() as folder, administrator() as primary:
        account().own(folder)
        server = Postgres(folder, durable=False, database=database_name())
        primary.execute("SELECT pg_create_physical_replication_slot(%s, true)", [SLOT])
        try:
            _copy(primary, folder)
            server.start()
            made = Standby(server)
            yield made
            made.admin.close()
        finally:
            server.stop()
            wait_until(lambda: _drop_slot(primary))


def _copy(primary: psycopg.Connection[Any], folder: Path) -> None:
    row = primary.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    files, cluster = Path(row[0]), folder / "postgres"
    if not (files / "PG_VERSION").exists():
        pytest.skip("The files of this PostgreSQL are not on this machine, so it cannot be copied.")
    primary.execute("SELECT pg_backup_start('tests', fast => true)")
    shutil.copytree(
        files, cluster, ignore=_left_out(files), ignore_dangling_symlinks=True, copy_function=_copied
    )
    stopped = primary.execute("SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)").fetchone()
    assert stopped is not None
    for name in ("pg_wal", "pg_replslot"):
        (cluster / name).mkdir()
    (cluster / "backup_label").write_text(stopped[0])
    (cluster / "standby.signal").touch()
    with (cluster / "postgresql.auto.conf").open("a") as file:
        file.write(f"primary_conninfo = '{_address(primary)}'\nprimary_slot_name = '{SLOT}'\n")
    (folder / "postgres-password").write_text(primary.info.password)
    _hand_over(cluster)


def _left_out(root: Path) -> Any:
    return lambda folder, names: (
        [name for name in names if name in NOT_COPIED] if Path(folder) == root else []
    )


def _copied(source: str, target: str) -> None:
    # A file that goes while the server runs is made anew by what the replica replays.
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError:
        return


def _address(primary: psycopg.Connection[Any]) -> str:
    info = primary.info
    return f"host={info.host} port={info.port} user={info.user} password={info.password} application_name=standby"


def _hand_over(cluster: Path) -> None:
    """PostgreSQL wants its files for itself alone."""
    user = account()
    cluster.chmod(0o700)
    if user.popen:
        subprocess.run(["chown", "-R", f"{user.uid}:{user.gid}", str(cluster)], check=True)


def _drop_slot(primary: psycopg.Connection[Any]) -> bool:
    try:
        primary.execute("SELECT pg_drop_replication_slot(%s)", [SLOT])
    except psycopg.errors.ObjectInUse:
        return False
    return True
