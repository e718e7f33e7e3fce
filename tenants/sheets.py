"""Tables for spreadsheets: CSV in pieces, with no cell that a spreadsheet would run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

ROWS_AT_ONCE: Final = 2_000
BYTE_ORDER_MARK: Final = "\ufeff"
NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_pieces(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A CSV file piece by piece, in UTF-8 with the mark that spreadsheets know it by."""
    yield _written([header], start=BYTE_ORDER_MARK)
    left = iter(rows)
    while piece := list(islice(left, ROWS_AT_ONCE)):
        yield _written(piece)


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; plain numbers stay what they are."""
    if isinstance(value, str) and value.startswith(STARTS_FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _written(rows: Iterable[Sequence[Any]], start: str = "") -> bytes:
    text = io.StringIO(start)
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode()
