"""One tenant as one file: a zip of its tables and files with a manifest that accounts for every byte.

    manifest.json      versions, the tenant's settings, tables and files with rows, bytes and SHA-256
    manifest.hmac      the manifest's seal, made with the secret key of the installation that wrote it
    tables/NAME.copy   rows in PostgreSQL's text form of COPY, in the order of the table's key
    files/PATH         uploaded files

Entries are stored and never compressed: the digests cost less than deflating, and a file cannot unfold to more than
it weighs. An archive carries data only, no statement of it is ever run.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from shared_apps.lifecycle.manifest import FileEntry, Manifest, TableEntry
from tenants.errors import Conflict, Invalid

MANIFEST, SEAL = "manifest.json", "manifest.hmac"
LARGEST_MANIFEST: Final = 64 * 2**20
SALT: Final = "shared_apps.lifecycle.archive"
BLOCK: Final = 1 << 18


class BrokenArchive(Invalid):
    """The file is not, or not any more, what an export wrote."""

    code = "broken_archive"
    title = "This archive cannot be used"


class ForeignArchive(Conflict):
    """The manifest's seal is missing or was made with another secret key."""

    code = "foreign_archive"
    title = "This archive was not made here"


# Writing


class ArchiveWriter:
    """Writes an archive from front to back, in one pass, and weighs what it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._out = _Hashed(file)
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED)
        self.tables: list[TableEntry] = []
        self.files: list[FileEntry] = []

    def add_table(self, name: str, columns: Iterable[str], blocks: Iterable[bytes], rows: list[int]) -> None:
        """Take a table's rows; `rows` fills while the blocks are read."""
        size, digest = self._write(f"tables/{name}.copy", blocks)
        self.tables.append(TableEntry(name, tuple(columns), sum(rows), size, digest))

    def add_file(self, path: str, blocks: Iterable[bytes]) -> None:
        """Take one uploaded file."""
        size, digest = self._write(f"files/{path}", blocks)
        self.files.append(FileEntry(path, size, digest))

    def finish(self, manifest: Manifest) -> tuple[int, str]:
        """Write the manifest with its seal, last of all; the archive's size and SHA-256."""
        body = manifest.as_bytes()
        self._write(MANIFEST, [body])
        self._write(SEAL, [seal(body).encode()])
        self._zip.close()
        return self._out.size, self._out.digest.hexdigest()

    def _write(self, name: str, blocks: Iterable[bytes]) -> tuple[int, str]:
        size, digest = 0, hashlib.sha256()
        with self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
            for block in blocks:
                entry.write(block)
                digest.update(block)
                size += len(block)
        return size, digest.hexdigest()


class _Hashed:
    """A file that can only be written on, so that its digest is known at the end without reading it again."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, data: bytes, /) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """The file is closed by whoever has opened it."""


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name only when it is whole and on the disk; readable to this user alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def seal(body: bytes, key: str | None = None) -> str:
    """The keyed digest of a manifest."""
    return salted_hmac(SALT, body, secret=key, algorithm="sha256").hexdigest()


# Reading


class Archive:
    """An archive that is whole by its own account: names, sizes and manifest agree.

    What is in the tables and files is checked while it is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise BrokenArchive(f"The archive {path} cannot be read: {error.strerror}.") from error
        try:
            self._read_contents()
        except BaseException:
            self._file.close()
            raise

    def _read_contents(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self._file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise BrokenArchive(
                f"{self.path.name} is no archive, or its end is missing: {error}. "
                "Fetch it again from where it was kept."
            ) from error
        self._entries = self._checked_entries()
        body = self._small(MANIFEST)
        self.is_ours = any(
            constant_time_compare(self._small(SEAL).decode("ascii", "replace"), seal(body, key))
            for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        )
        try:
            self.manifest = Manifest.from_bytes(body)
        except (ValueError, RecursionError) as error:
            raise BrokenArchive(f"The manifest of {self.path.name} cannot be used: {error}.") from error
        self._account()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._file.close()

    def require_ours(self) -> None:
        """Refuse an archive whose seal is not of this installation's secret key."""
        if not self.is_ours:
            raise ForeignArchive(
                "The archive was not sealed with this installation's secret key: it comes from another installation, "
                "or somebody has changed its manifest. Only if you trust where it comes from, restore it with "
                "--accept-foreign."
            )

    def read_table(self, table: TableEntry) -> Iterator[bytes]:
        """A table's rows in blocks; raises BrokenArchive at the end if they are not what the manifest says."""
        return self._read(f"tables/{table.name}.copy", table.size, table.sha256)

    def read_file(self, file: FileEntry) -> Iterator[bytes]:
        """A file in blocks, checked likewise."""
        return self._read(f"files/{file.path}", file.size, file.sha256)

    def verify(self) -> None:
        """Read everything once; raises BrokenArchive for the first thing that is not as the manifest says."""
        for table in self.manifest.tables:
            for _ in self.read_table(table):
                pass
        for file in self.manifest.files:
            for _ in self.read_file(file):
                pass

    def _checked_entries(self) -> dict[str, zipfile.ZipInfo]:
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                raise BrokenArchive(
                    f"The entry {info.filename!r} is compressed, which no export does: the archive was packed anew. "
                    "Use the file that the export wrote."
                )
            if info.filename in entries:
                raise BrokenArchive(f"The entry {info.filename!r} is there twice. No export writes that.")
            entries[info.filename] = info
        if sum(info.file_size for info in entries.values()) > os.fstat(self._file.fileno()).st_size:
            raise BrokenArchive(
                "The entries overlap: together they are larger than the file. No export writes that."
            )
        return entries

    def _small(self, name: str) -> bytes:
        info = self._entries.get(name)
        if info is None or info.file_size > LARGEST_MANIFEST:
            wrong = "is missing" if info is None else "is too large"
            raise BrokenArchive(f"{name} {wrong}: {self.path.name} is no archive of a tenant.")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
            raise BrokenArchive(f"{name} is damaged: {error}.") from error

    def _account(self) -> None:
        """Hold the names and sizes of the entries to the manifest."""
        expected = {f"tables/{table.name}.copy": table.size for table in self.manifest.tables}
        expected |= {f"files/{file.path}": file.size for file in self.manifest.files}
        found = {name: info.file_size for name, info in self._entries.items() if name not in (MANIFEST, SEAL)}
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                raise BrokenArchive(f"The entry {name!r} is missing, though the manifest lists it.")
            if name not in expected:
                raise BrokenArchive(
                    f"The entry {name!r} is not in the manifest. Something was added to the archive."
                )
            if found[name] != expected[name]:
                raise BrokenArchive(
                    f"The entry {name!r} has {found[name]} bytes, the manifest says {expected[name]}."
                )

    def _read(self, name: str, size: int, sha256: str) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), size
        try:
            with self._zip.open(self._entries[name]) as entry:
                while block := entry.read(BLOCK):
                    digest.update(block)
                    left -= len(block)
                    yield block
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise BrokenArchive(f"The entry {name!r} is damaged: {error}.") from error
        if left or digest.hexdigest() != sha256:
            raise BrokenArchive(
                f"The entry {name!r} is not what was exported: its checksum differs. Use another copy of the archive."
            )
