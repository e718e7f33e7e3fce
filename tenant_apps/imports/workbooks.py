"""XLSX files as records, row by row, with limits on what they may unpack to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any, Final
from zipfile import BadZipFile, ZipFile

from tenant_apps.imports.errors import EmptyFile, NotACsv
from tenant_apps.imports.reading import MOST_COLUMNS, SAMPLE_ROWS, Head, Record
from tenant_apps.imports.rows import FORBIDDEN, Reason

ENCODING: Final = "xlsx"
SIGNATURE: Final = b"PK\x03\x04"
MOST_PARTS: Final = 500
# What all parts may have when they are unpacked; texts shared by cells are held in memory.
MOST_UNPACKED: Final = 512 * 1024 * 1024
MOST_SHARED: Final = 64 * 1024 * 1024
MOST_BLANK_ROWS: Final = 1_000
SHARED: Final = "xl/sharedStrings.xml"


def read_workbook_head(file: IO[bytes]) -> Head:
    """Understand a workbook by its first rows, or refuse it with the reason."""
    with _rows(file) as rows:
        columns = next((row for row in rows if any(row)), [])
        while columns and not columns[-1]:
            columns.pop()
        if not columns:
            raise EmptyFile("The first sheet is empty. Its first row must name the columns.", field="file")
        if len(columns) > MOST_COLUMNS or any(FORBIDDEN.search(column) for column in columns):
            raise NotACsv(
                f"The first row is not a header: it must name the columns, 1 to {MOST_COLUMNS} of them.",
                field="file",
            )
        sound = (_fitted(row, len(columns)) for row in rows if any(row))
        sample = [row for row in islice(sound, SAMPLE_ROWS) if len(row) == len(columns)]
    return Head("", [column.strip() for column in columns], sample)


def read_workbook(file: IO[bytes], width: int) -> Iterator[Record]:
    """The rows below the header, numbered as the spreadsheet numbers them."""
    with _rows(file) as rows:
        numbered = ((number, row) for number, row in enumerate(rows, 1) if any(row))
        next(numbered, None)
        for number, row in numbered:
            fields = _fitted(row, width)
            if len(fields) == width:
                yield Record(number, fields)
            else:
                detail = f"The row has more than the {width} columns of the header."
                yield Record(number, fields[:MOST_COLUMNS], (Reason.COLUMN_COUNT, detail))


@contextmanager
def _rows(file: IO[bytes]) -> Iterator[Iterator[list[str]]]:
    _refuse_bombs(file)
    try:
        from openpyxl import load_workbook

        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
    except (BadZipFile, KeyError, ValueError, IndexError, OSError, AttributeError, TypeError) as error:
        raise _unreadable() from error
    try:
        # Files lie about how large their sheets are.
        sheet.reset_dimensions()
        yield _texts(sheet)
    finally:
        book.close()


def _texts(sheet: Any) -> Iterator[list[str]]:
    blank = 0
    for row in sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True):
        texts = [_text(value) for value in row]
        blank = 0 if any(texts) else blank + 1
        if blank > MOST_BLANK_ROWS:
            return
        yield texts


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(round(value, 9))
    return str(value)


def _fitted(row: list[str], width: int) -> list[str]:
    """The row in the header's width; longer only where something stands beyond it."""
    while len(row) > width and not row[-1]:
        row.pop()
    return row + [""] * (width - len(row))


def _refuse_bombs(file: IO[bytes]) -> None:
    file.seek(0)
    try:
        with ZipFile(file) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            shared = sum(part.file_size for part in parts if part.filename.lower() == SHARED.lower())
            strange = any(_declares(archive, part.filename) for part in parts[:MOST_PARTS])
    except (BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise _unreadable() from error
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or shared > MOST_SHARED or strange:
        raise NotACsv(
            "The workbook unpacks to more than an import may read. Save the sheet as CSV (UTF-8), or split it.",
            field="file",
        )
    file.seek(0)


def _declares(archive: ZipFile, name: str) -> bool:
    """Whether a part of the file defines entities, which no spreadsheet program writes."""
    if not name.endswith((".xml", ".rels")):
        return False
    with archive.open(name) as part:
        start = part.read(1_024).replace(b"\x00", b"")
    return b"<!DOCTYPE" in start or b"<!ENTITY" in start


def _unreadable() -> NotACsv:
    return NotACsv(
        "The file is no workbook that can be read. Save it as XLSX again, or as CSV (UTF-8).", field="file"
    )
