"""Servers for the length of a `with`: what tests and bin/test use."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.local.postgres import Postgres
from infra.local.valkey import Valkey

__all__ = ["Postgres", "Valkey", "memory", "postgres", "temporary_folder", "valkey"]


@contextlib.contextmanager
def postgres(
    data_dir: Path | None = None,
    *,
    port: int | None = None,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The administrator's URL of a running PostgreSQL; without `data_dir` it leaves nothing behind."""
    with _folder(data_dir) as folder:
        server = Postgres(folder, port=port, durable=durable, settings=settings)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@contextlib.contextmanager
def valkey(data_dir: Path | None = None, *, port: int | None = None, durable: bool = False) -> Iterator[str]:
    """The URL of a running Valkey; without `data_dir` it leaves nothing behind."""
    with _folder(data_dir) as folder:
        server = Valkey(folder, port=port, durable=durable)
        try:
            server.start()
            yield server.url
        finally:
            server.stop()


@contextlib.contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder that PostgreSQL's user can pass through even when that is not the current user."""
    folder = Path(tempfile.mkdtemp(prefix="rowhouse-", dir=parent))
    try:
        folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def memory(gigabytes: int) -> Path | None:
    """Where files lie in memory, if this machine has room for them there: tables are made in half the time."""
    place = Path("/dev/shm")  # noqa: S108  (folders in it get names that nobody can foresee)
    has_room = place.is_dir() and shutil.disk_usage(place).free >= gigabytes << 30
    return place if has_room and os.access(place, os.W_OK) else None


@contextlib.contextmanager
def _folder(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        yield data_dir
        return
    with temporary_folder() as folder:
        yield folder
