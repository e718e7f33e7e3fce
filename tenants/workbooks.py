"""Tables for spreadsheets: an XLSX workbook in pieces, written while its rows are read."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from tenants.sheets import ROWS_AT_ONCE, harmless

CONTENT_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What the format allows in one sheet, and in one cell.
MOST_ROWS: Final = 1_048_576
LONGEST_CELL: Final = 32_767
NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
PARTS: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class _Pieces(io.RawIOBase):
    """Takes what the archive writes and gives it away piece by piece. It cannot go back, and need not."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        return len(self._held[-1])

    def take(self) -> bytes:
        taken, self._held = b"".join(self._held), []
        return taken


def xlsx_pieces(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A workbook piece by piece; further sheets take what the first has no room for."""
    pieces, left, sheets = _Pieces(), iter(rows), 0
    with ZipFile(pieces, "w", ZIP_DEFLATED, compresslevel=3) as archive:
        first: list[Sequence[Any]] = []
        while first or not sheets:
            sheets += 1
            part = chain([header], first, islice(left, MOST_ROWS - 1 - len(first)))
            for _ in _write_sheet(archive, sheets, part):
                yield pieces.take()
            first = list(islice(left, 1))
        for name, text in _frame(sheets):
            archive.writestr(name, DECLARATION + text)
    yield pieces.take()


def _write_sheet(archive: ZipFile, number: int, rows: Iterator[Sequence[Any]]) -> Iterator[None]:
    with archive.open(f"xl/worksheets/sheet{number}.xml", "w") as part:
        part.write(f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetData>'.encode())
        while stretch := list(islice(rows, ROWS_AT_ONCE)):
            part.write("".join(map(_row, stretch)).encode())
            yield
        part.write(b"</sheetData></worksheet>")


def _row(values: Sequence[Any]) -> str:
    return f"<row>{''.join(map(_cell, values))}</row>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"<c><v>{value:f}</v></c>" if isinstance(value, Decimal) else f"<c><v>{value}</v></c>"
    text = NOT_IN_XML.sub("", str(harmless(value)))[:LONGEST_CELL]
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' if text else "<c/>"


def _frame(sheets: int) -> Iterator[tuple[str, str]]:
    """The parts around the sheets."""
    numbers = range(1, sheets + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{PARTS}.worksheet+xml"/>'
        for n in numbers
    )
    types = (
        f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{PARTS}.sheet.main+xml"/>{kinds}</Types>'
    )
    yield "[Content_Types].xml", types
    yield "_rels/.rels", _relations([(1, "officeDocument", "xl/workbook.xml")])
    named = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    yield (
        "xl/workbook.xml",
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>',
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        _relations((n, "worksheet", f"worksheets/sheet{n}.xml") for n in numbers),
    )


def _relations(targets: Iterable[tuple[int, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, kind, target in targets
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'
