"""First half of an import: the file's rows into `StagedLine` and `RejectedRow`, a chunk a transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from django.db import connection

from tenant_apps.imports.keys import LINE, MOST_LINES, REJECTED, key_prefix, line_key
from tenant_apps.imports.models import Import
from tenant_apps.imports.reading import Record
from tenant_apps.imports.rows import Reason, RowRejected

CHUNK_ROWS: Final = 5_000
LONGEST_KEPT_FIELD: Final = 1_000
LONGEST_DETAIL: Final = 300

COPY_LINES: Final = """
    COPY imports_stagedline (
        id, job_id, line, invoice, is_cancellation, sku, description, quantity, unit_price, placed_at,
        customer, customer_name, country
    ) FROM STDIN"""
COPY_REJECTED: Final = "COPY imports_rejectedrow (id, job_id, line, reason, detail, fields) FROM STDIN"
KNOWN_CUSTOMERS: Final = """
    SELECT DISTINCT ON (invoice) invoice, customer FROM imports_stagedline
    WHERE job_id = %s AND invoice = ANY(%s) AND customer IS NOT NULL
    ORDER BY invoice, id"""


class TooManyLines(Exception):
    """The file has more lines than keys can number."""


class Accepted(NamedTuple):
    """A sound row with the line it stands on and the fields it was read from."""

    line: int
    row: Any
    fields: list[str]


class Rejected(NamedTuple):
    """A row that cannot be imported, and why."""

    line: int
    reason: Reason
    detail: str
    fields: list[str]


@dataclass
class Chunk:
    """A stretch of the file, sorted into what can be imported and what cannot."""

    last_line: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return len(self.accepted) + len(self.rejected)


class Reader(Protocol):
    """Makes what is to be imported of a row's fields, or raises RowRejected."""

    def read(self, fields: Sequence[str]) -> Any: ...


def read_chunks(
    records: Iterable[Record], reader: Reader, *, after: int, size: int | None = None
) -> Iterator[Chunk]:
    """The file from the line after `after` on, in chunks."""
    pending = (record for record in records if record.line > after)
    while chunk := read_chunk(islice(pending, size or CHUNK_ROWS), reader):
        yield chunk


def read_chunk(records: Iterable[Record], reader: Reader) -> Chunk | None:
    """The next rows, each validated; None at the end of the file."""
    chunk = Chunk()
    for record in records:
        chunk.last_line = record.line
        try:
            chunk.accepted.append(Accepted(record.line, read_row(record, reader), record.fields))
        except RowRejected as error:
            chunk.rejected.append(Rejected(record.line, error.reason, error.detail, record.fields))
    return chunk if chunk.last_line else None


def read_row(record: Record, reader: Reader) -> Any:
    """The order line of a record, or RowRejected with the first thing that is wrong."""
    if record.fault:
        raise RowRejected(*record.fault)
    return reader.read(record.fields)


def stage(job: Import, chunk: Chunk) -> None:
    """Write the chunk and move the import's marks past it; the caller's transaction holds the import."""
    if chunk.last_line > MOST_LINES:
        raise TooManyLines(f"The file has more than {MOST_LINES} lines. Split it.")
    reject_other_customers(job, chunk)
    copy_accepted(job, chunk)
    copy_rejected(job, chunk.rejected)
    job.rows_read += chunk.rows
    job.rows_rejected += len(chunk.rejected)
    job.staged_line = chunk.last_line


def reject_other_customers(job: Import, chunk: Chunk) -> None:
    """Move rows to the rejected that give an invoice a customer other than its first one."""
    first = known_customers(job, {row.invoice for _, row, _ in chunk.accepted})
    strange = {
        line: f"Invoice {row.invoice} is customer {first[row.invoice]}'s, but this row names {row.customer}."
        for line, row, _ in chunk.accepted
        if row.customer and first.setdefault(row.invoice, row.customer) != row.customer
    }
    if strange:
        taken = [entry for entry in chunk.accepted if entry.line in strange]
        chunk.rejected += [
            Rejected(e.line, Reason.CUSTOMER_DIFFERS, strange[e.line], e.fields) for e in taken
        ]
        chunk.accepted = [entry for entry in chunk.accepted if entry.line not in strange]


def known_customers(job: Import, invoices: set[str]) -> dict[str, str]:
    """The customers that earlier chunks gave to these invoices: the file may come back to one."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_CUSTOMERS, [job.pk, list(invoices)])
        return dict(cursor.fetchall())


def copy_accepted(job: Import, chunk: Chunk) -> None:
    """Write the sound rows."""
    prefix, job_id = key_prefix(job.pk), str(job.pk)
    copy_rows(COPY_LINES, ((line_key(prefix, LINE, n), job_id, n, *row) for n, row, _ in chunk.accepted))


def copy_rejected(job: Import, rejected: Iterable[Rejected]) -> None:
    """Write the rows that cannot be imported, with their reasons."""
    prefix, job_id = key_prefix(job.pk), str(job.pk)
    rows = (
        (line_key(prefix, REJECTED, n), job_id, n, reason, detail[:LONGEST_DETAIL], kept_fields(fields))
        for n, reason, detail, fields in rejected
    )
    copy_rows(COPY_REJECTED, rows)


def copy_rows(statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Send rows by COPY, the fastest way in."""
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def kept_fields(fields: list[str]) -> str:
    """A rejected row's fields as JSON that PostgreSQL can hold."""
    tidy = [value[:LONGEST_KEPT_FIELD].replace("\x00", "\N{REPLACEMENT CHARACTER}") for value in fields]
    return json.dumps(tidy, ensure_ascii=False)
