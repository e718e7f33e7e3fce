"""A tenant's folder of uploaded files: read, staged beside its place, and switched in one step that can be repeated."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

BLOCK: Final = 1 << 18


@dataclass(frozen=True)
class Footprint:
    """How many files there are, what they weigh, and one digest of all names and contents."""

    count: int
    bytes: int
    sha256: str


def archive_folder() -> Path:
    """Where archives of whole tenants are kept; no door of a tenant leads there."""
    return Path(settings.ARCHIVE_ROOT)


def folder_of(schema: str) -> Path:
    """Where a tenant's files lie."""
    return Path(settings.MEDIA_ROOT) / schema


def paths_in(folder: Path) -> list[str]:
    """The files of a folder by their paths in it, sorted; links are not followed and not listed."""
    found: list[str] = []
    for base, _, names in os.walk(folder):
        whole = (Path(base) / name for name in names)
        found += [
            path.relative_to(folder).as_posix() for path in whole if path.is_file() and not path.is_symlink()
        ]
    return sorted(found)


def read_blocks(path: Path) -> Iterator[bytes]:
    """A file in blocks."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def footprint(folder: Path) -> Footprint:
    """What a folder holds."""
    total, size = hashlib.sha256(), 0
    paths = paths_in(folder)
    for path in paths:
        digest = hashlib.sha256()
        for block in read_blocks(folder / path):
            digest.update(block)
            size += len(block)
        total.update(f"{digest.hexdigest()} {path}\n".encode())
    return Footprint(len(paths), size, total.hexdigest())


class Staging:
    """Files on their way to a tenant. The switch can be killed anywhere and done again."""

    def __init__(self, operation_id: UUID) -> None:
        # No name of a schema begins with a dot, so nothing in here is anybody's.
        self.folder = Path(settings.MEDIA_ROOT) / f".staged-{operation_id}"
        self._old = Path(settings.MEDIA_ROOT) / f".old-{operation_id}"

    def begin(self) -> None:
        """Begin with an empty folder, whatever an earlier attempt left."""
        self.discard()
        self.folder.mkdir(parents=True)

    def put(self, path: str, blocks: Iterable[bytes]) -> None:
        """Write one file."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for block in blocks:
                file.write(block)

    def switch(self, schema: str) -> None:
        """Put the staged folder into the place of the tenant's own."""
        place = folder_of(schema)
        if self.folder.exists():
            if place.exists():
                shutil.rmtree(self._old, ignore_errors=True)
                place.rename(self._old)
            self.folder.rename(place)
        shutil.rmtree(self._old, ignore_errors=True)

    def discard(self) -> None:
        """Forget what was staged."""
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_folder(schema: str) -> None:
    """Remove a tenant's files."""
    folder = folder_of(schema)
    if folder.exists():
        shutil.rmtree(folder)
