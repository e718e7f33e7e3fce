"""The rows that could not be imported, as a file that a spreadsheet opens and a person can mend."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from tenant_apps.imports.models import Import, RejectedRow

ROWS_AT_ONCE: Final = 2_000
HEADER: Final = ("line", "reason", "detail")
NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def rejected_csv(job: Import) -> Iterator[bytes]:
    """The file in pieces: line, reason, detail and the row's own columns. Runs inside a unit of work."""
    yield _written([[*HEADER, *job.columns]], start="\ufeff")
    rows = RejectedRow.objects.filter(job=job).order_by("line").iterator(chunk_size=ROWS_AT_ONCE)
    while piece := list(islice(rows, ROWS_AT_ONCE)):
        yield _written([[row.line, row.reason, row.detail, *row.fields] for row in piece])


def report_name(job: Import) -> str:
    """The name under which the file is saved."""
    return f"rejected-rows-{job.pk}.csv"


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; plain numbers stay what they are."""
    if isinstance(value, str) and value.startswith(STARTS_FORMULA) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _written(rows: list[list[Any]], start: str = "") -> bytes:
    text = io.StringIO(start)
    text.seek(0, io.SEEK_END)
    csv.writer(text).writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue().encode()
