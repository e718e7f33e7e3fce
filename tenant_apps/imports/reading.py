"""A file of delimited text as records, whatever its encoding, delimiter and damage, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO, Final, NamedTuple

from tenant_apps.imports.errors import EmptyFile, NotACsv
from tenant_apps.imports.rows import FORBIDDEN, Reason

MOST_CHARACTERS: Final = 65_536
MOST_LINES: Final = 20
MOST_COLUMNS: Final = 200
HEAD_BYTES: Final = 262_144
SAMPLE_ROWS: Final = 500
DELIMITERS: Final = (",", ";", "\t", "|")
MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
SIGNATURES: Final = {
    b"PK\x03\x04": "an Excel or zip file; save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save the sheet as CSV (UTF-8)",
    b"\x1f\x8b": "compressed (gzip); unpack it",
    b"\xfd7zXZ": "compressed (xz); unpack it",
    b"%PDF": "a PDF; export the data as CSV",
}
UNDECODED: Final = re.compile("[\udc80-\udcff]")
FOREIGN: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")


class EncodingProbe:
    """Decides the encoding from all bytes of a file, as they pass by on their way to the disk."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._start = b""
        self._foreign = 0
        self._undecoded = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        if len(self._start) < 4:
            self._start += chunk[:4]
        text = self._decoder.decode(chunk)
        if not text.isascii():
            self._undecoded += len(UNDECODED.findall(text))
            self._foreign += len(FOREIGN.findall(text))

    def finish(self) -> str:
        """UTF-8, or Western Windows when more of the characters beyond ASCII are broken than whole."""
        for mark, encoding in MARKS.items():
            if self._start.startswith(mark):
                return encoding
        self._undecoded += len(UNDECODED.findall(self._decoder.decode(b"", final=True)))
        return "cp1252" if self._undecoded > self._foreign else "utf-8-sig"


class Overlong(Exception):
    """A record is longer than a sane row can be; a quote was opened and not closed."""


class Lines:
    """The physical lines of a text, counted, bounded in length, and able to be taken back."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self._returned: deque[str] = deque()
        self._size = 0
        self.number = 0
        self.record: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.record.append(line)
        self._size += len(line)
        if self._size >= MOST_CHARACTERS or len(self.record) > MOST_LINES:
            raise Overlong
        return line

    def _read(self) -> str:
        line = self._text.readline(MOST_CHARACTERS)
        if len(line) == MOST_CHARACTERS and line[-1] not in "\r\n":
            rest = line
            while rest and rest[-1] not in "\r\n":
                rest = self._text.readline(MOST_CHARACTERS)
        return line

    def begin(self) -> None:
        """Start a record with the next line."""
        self.record.clear()
        self._size = 0

    def keep_first(self) -> str:
        """Give the present record's first line away and take all others back, to be read again."""
        first, *others = self.record
        self._returned.extendleft(reversed(others))
        self.number -= len(others)
        return first


class Record(NamedTuple):
    """One row: the line it starts on, its fields, and the reason and detail of a fault in its form."""

    line: int
    fields: list[str]
    fault: tuple[Reason, str] | None = None


def read_records(text: IO[str], delimiter: str, width: int) -> Iterator[Record]:
    """The rows below the header. A damaged row costs itself alone: reading goes on with the line after it."""
    lines = Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header(reader)
    while True:
        lines.begin()
        line = lines.number + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, Overlong):
            yield _damaged(lines, line, delimiter)
            continue
        if len(fields) == width:
            yield Record(line, fields)
        elif fields:
            yield _misshapen(lines, line, fields, width)


def header(rows: Iterator[list[str]]) -> list[str]:
    """The first row that is not blank; rows stands behind it afterwards."""
    return next((row for row in rows if row), [])


def _damaged(lines: Lines, line: int, delimiter: str) -> Record:
    first = lines.keep_first()
    if len(first) >= MOST_CHARACTERS:
        detail = f"The line has more than {MOST_CHARACTERS} characters."
        return Record(line, _loose_fields(first, delimiter), (Reason.LINE_TOO_LONG, detail))
    detail = "A quotation mark is not closed, or text follows it. Write marks inside a quoted text twice."
    return Record(line, _loose_fields(first, delimiter), (Reason.MALFORMED_QUOTES, detail))


def _misshapen(lines: Lines, line: int, fields: list[str], width: int) -> Record:
    lines.keep_first()
    detail = f"The row has {len(fields)} columns, the header has {width}."
    return Record(line, fields[:MOST_COLUMNS], (Reason.COLUMN_COUNT, detail))


def _loose_fields(line: str, delimiter: str) -> list[str]:
    return line.rstrip("\r\n").split(delimiter)[:MOST_COLUMNS]


@dataclass(frozen=True)
class Head:
    """What the beginning of a file tells: its delimiter, its columns and a sample of its rows."""

    delimiter: str
    columns: list[str]
    sample: list[list[str]]


def read_head(start: bytes, encoding: str) -> Head:
    """Understand a file by its first bytes, or refuse it with the reason."""
    _refuse_foreign(start)
    text = start.decode(encoding, "replace").removeprefix("\ufeff")
    if not text.strip(" \t\r\n,;|"):
        raise EmptyFile(
            "The file holds no text. Export the order lines again, with a header row.", field="file"
        )
    delimiter = max(DELIMITERS, key=lambda delimiter: len(_columns(text, delimiter)))
    columns = _columns(text, delimiter)
    if text.count("\x00") * 20 > len(text) or any(FORBIDDEN.search(column) for column in columns):
        raise NotACsv("The file holds binary data. Export the order lines as CSV (UTF-8).", field="file")
    if not columns or len(columns) > MOST_COLUMNS:
        raise NotACsv(
            f"The first line is not a header: it must name the columns, 1 to {MOST_COLUMNS} of them.",
            field="file",
        )
    return Head(delimiter, columns, _sample(text, delimiter, len(columns)))


def _refuse_foreign(start: bytes) -> None:
    for signature, what in SIGNATURES.items():
        if start.startswith(signature):
            raise NotACsv(f"The file is {what} and upload that.", field="file")


def _columns(text: str, delimiter: str) -> list[str]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [name.strip() for name in header(rows)]
    except csv.Error:
        return []


def _sample(text: str, delimiter: str, width: int) -> list[list[str]]:
    records = read_records(io.StringIO(text, newline=""), delimiter, width)
    return [record.fields for record in islice(records, SAMPLE_ROWS) if record.fault is None]


def open_text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The bytes as text with its own line ends; what cannot be decoded becomes U+FFFD, which rows refuse."""
    return io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")


def column_of(columns: Sequence[str], sample: Sequence[Sequence[str]], name: str | None) -> list[str]:
    """The sample's values in one column."""
    if name is None or name not in columns:
        return []
    position = list(columns).index(name)
    return [row[position] for row in sample]
