"""Files whose rows are records with a key: each row makes a record or changes the one that has its key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from tenant_apps.imports.models import Import, ImportedRecord
from tenant_apps.imports.rows import Reason, RowRejected, parse_text, undisarmed
from tenant_apps.imports.staging import Accepted, Chunk, Rejected, copy_rejected, copy_rows
from tenant_apps.products.putting import Given, Put, plain
from tenants.audit.actors import Actor

CHUNK_RECORDS: Final = 1_000
WORKER: Final = Actor.system("importer")
Outcome = ImportedRecord.Outcome


class RecordReader:
    """Reads the rows of one file. What a cell leaves empty is not said."""

    key: ClassVar[str]

    def __init__(self, *, mapping: Mapping[str, str], columns: Sequence[str], decimal_separator: str) -> None:
        self._places = {name: columns.index(column) for name, column in mapping.items() if column}
        self.separator = decimal_separator

    def read(self, fields: Sequence[str]) -> dict[str, Any]:
        """What the row says of its record; raises RowRejected with the first thing that is wrong."""
        key = self.parse_key(undisarmed(fields[self._places[self.key]]))
        texts = {name: undisarmed(fields[place]) for name, place in self._places.items() if name != self.key}
        said = {name: text for name, text in texts.items() if text.strip()}
        return {self.key: key} | {name: self.parse(name, text) for name, text in said.items()}

    def parse_key(self, text: str) -> str:
        """The key in the one way in which it is kept and compared."""
        raise NotImplementedError

    def parse(self, name: str, text: str) -> Any:
        """The value of a field that is said."""
        raise NotImplementedError


def parse_words(text: str, what: str) -> list[str]:
    """Words that commas, semicolons or bars divide."""
    return [word for part in re.split("[,;|]", text) if (word := parse_text(part, what, 40))]


@dataclass(frozen=True)
class Upsert:
    """How one kind of file comes in, and how what came in is found, taken back or given its former values."""

    noun: str
    reader: type[RecordReader]
    phase: str
    resolver: Callable[[Import], Callable[[Accepted], Given]]
    put: Callable[..., list[Put[Any]]]
    find: Callable[[UUID], Model | None]
    withdraw: Callable[[Any], None]
    restore: Callable[[Any, dict[str, Any]], None]

    @property
    def key(self) -> str:
        """The field by which records are known."""
        return self.reader.key


COPY_NOTES: Final = """
    COPY imports_importedproduct (id, job_id, line, sku, outcome, product_id, before, after) FROM STDIN"""


def put_chunk(job: Import, chunk: Chunk, kind: Upsert) -> None:
    """Make and change the chunk's records and note what became of each row; a dry run keeps only the notes."""
    _reject_repeated(job, chunk, kind)
    with transaction.atomic():
        noted = _put_all(job, chunk, kind)
        if job.is_rehearsal:
            transaction.set_rollback(True)
    copy_rows(COPY_NOTES, map(_kept, noted))
    copy_rejected(job, chunk.rejected)
    _count(job, chunk, noted, kind)


def _count(job: Import, chunk: Chunk, noted: list[ImportedRecord], kind: Upsert) -> None:
    tally = {outcome: sum(note.outcome == outcome for note in noted) for outcome in Outcome}
    for name, outcome in (("created", Outcome.NEW), ("changed", Outcome.CHANGED)):
        counter = f"{kind.noun}s_{name}"
        setattr(job, counter, getattr(job, counter) + tally[outcome])
    job.rows_imported += tally[Outcome.NEW] + tally[Outcome.CHANGED]
    job.rows_already_there += tally[Outcome.SAME]
    job.rows_rejected += len(chunk.rejected)
    job.rows_read += len(noted) + len(chunk.rejected)
    job.staged_line = job.applied_line = chunk.last_line


def _reject_repeated(job: Import, chunk: Chunk, kind: Upsert) -> None:
    keys = [entry.row[kind.key] for entry in chunk.accepted]
    first = dict(ImportedRecord.objects.filter(job=job, key__in=keys).values_list("key", "line"))
    kept = []
    for entry in chunk.accepted:
        key = entry.row[kind.key]
        before = first.setdefault(key, entry.line)
        if before == entry.line:
            kept.append(entry)
        else:
            detail = f"Line {before} has {key} too. Keep one of the rows."
            reason = Reason.SKU_REPEATED if kind.key == "sku" else Reason.EMAIL_REPEATED
            chunk.rejected.append(Rejected(entry.line, reason, detail, entry.fields))
    chunk.accepted = kept


def _put_all(job: Import, chunk: Chunk, kind: Upsert) -> list[ImportedRecord]:
    rows, resolve = [], kind.resolver(job)
    # In the order in which orders lock products, so that neither waits for the other in a circle.
    for entry in sorted(chunk.accepted, key=lambda entry: str(entry.row[kind.key])):
        try:
            rows.append((entry, resolve(entry)))
        except RowRejected as error:
            chunk.rejected.append(Rejected(entry.line, error.reason, error.detail, entry.fields))
    outcomes = kind.put(actor=WORKER, rows=[given for _, given in rows])
    noted = []
    for (entry, given), outcome in zip(rows, outcomes, strict=True):
        if outcome.error:
            chunk.rejected.append(Rejected(entry.line, Reason.REFUSED, outcome.error.detail, entry.fields))
        else:
            noted.append(_noted(job, entry, given, outcome))
    return noted


def _noted(job: Import, entry: Accepted, given: Given, outcome: Put[Any]) -> ImportedRecord:
    record: Any = outcome.record
    before = outcome.before
    note = ImportedRecord(job=job, line=entry.line, key=given.key, record_id=record.pk)
    names = given.values if before is None else before
    note.after = state_of(record, names)
    note.before = {name: plain(value) for name, value in (before or {}).items()}
    if before is None:
        note.outcome = Outcome.NEW
    else:
        note.outcome = Outcome.SAME if note.before == note.after else Outcome.CHANGED
    return note


def _kept(note: ImportedRecord) -> tuple[Any, ...]:
    """The columns of a note, in the order of COPY_NOTES."""
    states = (json.dumps(note.before), json.dumps(note.after))
    return (note.pk, note.job_id, note.line, note.key, str(note.outcome), note.record_id, *states)


def state_of(record: Model, names: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """What a record says under these names, as a note keeps it."""
    return {name: plain(getattr(record, name)) for name in names}
