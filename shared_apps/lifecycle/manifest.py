"""What an archive says of itself, read with suspicion: every value has its type and its bounds."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Self

FORMAT: Final = 1
PRODUCT: Final = "rowhouse"
# A test holds it to pyproject.toml.
VERSION: Final = "0.1.0"
NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")
LONGEST_PATH: Final = 1024
MOST_VERSION: Final = 32_767
# What the tenant's columns can hold, and what its pages may show.
TENANT: Final = {
    "id": re.compile(r"[0-9a-f-]{36}"),
    "name": re.compile(r"[^\x00-\x1f\x7f]{1,120}"),
    "subdomain": re.compile(r"[a-z0-9-]{1,63}"),
    "plan": re.compile(r"[a-z]{1,16}"),
    "locale": re.compile(r"[A-Za-z_-]{2,10}"),
    "time_zone": re.compile(r"[A-Za-z0-9_+/-]{1,64}"),
    "currency": re.compile(r"[A-Z]{3}"),
}


@dataclass(frozen=True)
class TableEntry:
    """A table as it was exported."""

    name: str
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True)
class FileEntry:
    """An uploaded file as it was exported; the path is relative to the tenant's folder."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class TenantEntry:
    """What a tenant is besides its rows."""

    id: str
    name: str
    subdomain: str
    plan: str
    locale: str
    time_zone: str
    currency: str
    plan_version: int = 1


@dataclass(frozen=True)
class Manifest:
    """The account of an archive."""

    made_at: str
    version: str
    tenant: TenantEntry
    digest: str
    migrations: tuple[tuple[str, str], ...]
    tables: tuple[TableEntry, ...]
    files: tuple[FileEntry, ...]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def size(self) -> int:
        """What tables and files weigh together."""
        return sum(table.size for table in self.tables) + sum(file.size for file in self.files)

    @property
    def checksum(self) -> str:
        """One digest of all contents."""
        lines = [f"{table.sha256} tables/{table.name}.copy {table.rows}" for table in self.tables]
        lines += [f"{file.sha256} files/{file.path}" for file in self.files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def as_bytes(self) -> bytes:
        """The manifest as it stands in the archive."""
        body = {
            "format": FORMAT,
            "product": {"name": PRODUCT, "version": self.version},
            "made_at": self.made_at,
            "tenant": asdict(self.tenant),
            "generation": {"digest": self.digest, "migrations": self.migrations},
            "tables": [asdict(table) for table in self.tables],
            "files": [asdict(file) for file in self.files],
            "rows": self.rows,
            "size": self.size,
            "checksum": self.checksum,
        }
        return json.dumps(body, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Self:
        """Read a manifest; raises ValueError that says what is wrong with it."""
        data = _Reader("the manifest", json.loads(body))
        data.require_format()
        generation = data.part("generation")
        manifest = cls(
            made_at=data.text("made_at"),
            version=data.part("product").text("version"),
            tenant=_tenant(data.part("tenant")),
            digest=generation.text("digest"),
            migrations=tuple(_migration(pair) for pair in generation.list("migrations")),
            tables=tuple(_table(_Reader("a table", row)) for row in data.list("tables")),
            files=tuple(_file(_Reader("a file", row)) for row in data.list("files")),
        )
        if manifest.checksum != data.text("checksum"):
            raise ValueError("its total checksum does not belong to its tables and files")
        return manifest


class _Reader:
    """Values of one object, by type."""

    def __init__(self, what: str, data: Any) -> None:
        if not isinstance(data, dict):
            raise ValueError(f"{what} is no object")
        self._what, self._data = what, data

    def require_format(self) -> None:
        found, product = self._data.get("format"), self._data.get("product")
        if not isinstance(product, dict) or product.get("name") != PRODUCT:
            raise ValueError(f"it is no manifest of {PRODUCT}")
        if found != FORMAT:
            raise ValueError(
                f"its format is {found!r} and this version reads {FORMAT}; restore it with the version that made it"
            )

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._data.get(name)
        if not isinstance(value, str) or len(value) > LONGEST_PATH or "\0" in value:
            raise ValueError(f"{name!r} of {self._what} is no text")
        if pattern and not pattern.fullmatch(value):
            raise ValueError(f"{name!r} of {self._what} is {value!r}, which cannot be")
        return value

    def number(self, name: str, *, absent: int | None = None, most: int = 2**63 - 1) -> int:
        value = self._data.get(name, absent)
        if type(value) is not int or not 0 <= value <= most:
            raise ValueError(f"{name!r} of {self._what} is no number from 0 up to {most}")
        return value

    def list(self, name: str) -> list[Any]:
        value = self._data.get(name)
        if not isinstance(value, list):
            raise ValueError(f"{name!r} of {self._what} is no list")
        return value

    def part(self, name: str) -> "_Reader":
        return _Reader(repr(name), self._data.get(name))


def _tenant(data: _Reader) -> TenantEntry:
    texts = {name: data.text(name, pattern) for name, pattern in TENANT.items()}
    # Archives from before plans had versions are of the first one.
    return TenantEntry(**texts, plan_version=data.number("plan_version", absent=1, most=MOST_VERSION) or 1)


def _table(data: _Reader) -> TableEntry:
    columns = data.list("columns")
    if not all(isinstance(column, str) for column in columns):
        raise ValueError("the columns of a table are no names")
    return TableEntry(
        data.text("name", NAME),
        tuple(columns),
        data.number("rows"),
        data.number("size"),
        data.text("sha256", SHA256),
    )


def _file(data: _Reader) -> FileEntry:
    return FileEntry(safe_path(data.text("path")), data.number("size"), data.text("sha256", SHA256))


def _migration(pair: Any) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
        raise ValueError("a migration is no pair of app and name")
    return pair[0], pair[1]


def safe_path(path: str) -> str:
    """The path of a file, if it stays inside the folder that it is put into; raises ValueError."""
    parts = path.split("/")
    strange = any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts)
    if strange or "\\" in path or not path.isprintable() or PurePosixPath(path).is_absolute():
        raise ValueError(f"the file {path!r} would not stay in the tenant's folder")
    return path
