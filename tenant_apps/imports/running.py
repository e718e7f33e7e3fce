"""A worker's run of one import: claimed, done in steps, and given back whatever happens.

Each step is one transaction that begins by locking the import's row and ends by moving its marks. A worker
that was killed leaves at most a lease that grows stale; one that was slow finds its lease gone and stops.
Nothing is done twice: the marks commit with the work, and keys are derived from lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final
from uuid import UUID, uuid4

import structlog
from django.db import DatabaseError, DataError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from tenant_apps.imports import upserts
from tenant_apps.imports.applying import LinesLost, apply_next_invoices, create_customers, create_products
from tenant_apps.imports.kinds import UPSERTS
from tenant_apps.imports.models import Import, StagedLine
from tenant_apps.imports.options import time_zone
from tenant_apps.imports.reading import Record, open_text, read_records
from tenant_apps.imports.rows import RowReader
from tenant_apps.imports.staging import TooManyLines, read_chunks, stage
from tenant_apps.imports.undoing import undo_next
from tenant_apps.imports.upserts import Upsert, put_chunk
from tenant_apps.imports.workbooks import ENCODING, read_workbook
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import DomainError
from tenants.storage import tenant_storage

MOST_ATTEMPTS: Final = 20
WORKER: Final = Actor.system("importer")
log = structlog.get_logger("rowhouse.imports")


class Interrupted(Exception):
    """The run must end: somebody cancelled the import, or another worker has it now."""


class CountsDisagree(Exception):
    """Rows went missing between reading and applying."""


class StuckImport(Exception):
    """Worker after worker died over this import without getting any further."""


class FileGone(Exception):
    """The uploaded file is no longer where it was stored."""


EXPLAINED: Final = (DomainError, CountsDisagree, FileGone, LinesLost, StuckImport, TooManyLines)


def run_import(import_id: UUID) -> None:
    """Do what is left of an import; returns at once if it is in other hands or has ended."""
    run = claim(import_id)
    if run is None:
        return
    with structlog.contextvars.bound_contextvars(import_id=str(import_id)):
        try:
            _work(run)
        except Interrupted:
            _settle_cancelled(run)
        except (OperationalError, InterfaceError):
            # The database went away. The import is taken up again when its lease is stale.
            raise
        except Exception as error:
            log.exception("import.failed")
            fail(run, error)


@dataclass
class Run:
    """One worker's hold of one import."""

    import_id: UUID
    lease: UUID
    claimed: Import
    _since: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self) -> Iterator[Import]:
        """One transaction of work; raises Interrupted before it when the import may not go on."""
        with transaction.atomic():
            job = self._hold()
            if job is None or job.status != Import.Status.RUNNING:
                raise Interrupted
            marks = job.staged_line, job.applied_line, job.undone_line
            yield job
            if marks != (job.staged_line, job.applied_line, job.undone_line):
                job.attempts = 0
            self._note_progress(job)

    def _hold(self) -> Import | None:
        return Import.objects.select_for_update().filter(pk=self.import_id, lease=self.lease).first()

    def _note_progress(self, job: Import) -> None:
        now = time.monotonic()
        job.seconds_working += now - self._since
        self._since = now
        job.heartbeat_at = timezone.now()
        job.save()

    @contextmanager
    def end(self) -> Iterator[Import | None]:
        """The last transaction of a run; yields None when the import is not this worker's any more."""
        with transaction.atomic():
            job = self._hold()
            yield job
            if job is not None:
                job.lease = None
                job.finished_at = timezone.now()
                self._note_progress(job)


def claim(import_id: UUID) -> Run | None:
    """Take the import in hand; None if a living worker has it, or there is nothing to do."""
    now, lease = timezone.now(), uuid4()
    with transaction.atomic():
        # A row that is locked is being worked on this moment, however old its heartbeat looks.
        job = Import.objects.select_for_update(skip_locked=True).filter(pk=import_id).first()
        if job is None or not job.is_claimable(now):
            return None
        job.lease, job.heartbeat_at, job.attempts = lease, now, job.attempts + 1
        job.started_at = job.started_at or now
        job.save()
    return Run(import_id, lease, job)


def _work(run: Run) -> None:
    _refuse_endless_attempts(run)
    job = run.claimed
    if job.mode == Import.Mode.UNDO:
        _undo(run)
    elif kind := UPSERTS.get(job.kind):
        _put_records(run, job, kind)
        _finish(run)
    elif job.is_rehearsal:
        _read_file(run)
        _finish(run)
    else:
        _read_file(run)
        _apply(run)


def _undo(run: Run) -> None:
    going = True
    while going:
        with run.step() as job:
            going = undo_next(job)
    with run.end() as ended:
        if ended is None or ended.status != Import.Status.RUNNING:
            raise Interrupted
        is_whole = ended.rows_handled == ended.rows_read
        ended.status = Import.Status.DONE if is_whole else Import.Status.CANCELLED
        ended.undone_at, ended.error = timezone.now(), ""
        data = {"undone": ended.records_undone, "kept": ended.records_kept}
        record(actor=WORKER, verb="import.undone", target=ended, data=data)


def _put_records(run: Run, job: Import, kind: Upsert) -> None:
    with _open(job) as file:
        reader = kind.reader(
            mapping=job.mapping, columns=job.columns, decimal_separator=job.options["decimal_separator"]
        )
        for chunk in read_chunks(
            _records(job, file), reader, after=job.staged_line, size=upserts.CHUNK_RECORDS
        ):
            with run.step() as held:
                held.phase = kind.phase
                put_chunk(held, chunk, kind)
                held.bytes_read = _position(file, held)


def _position(file: IO[bytes], job: Import) -> int:
    """How far the file is read; to its end once its reader has closed it."""
    return job.file_size if file.closed else min(file.tell(), job.file_size)


def _records(job: Import, file: IO[bytes]) -> Iterator[Record]:
    if job.options["encoding"] == ENCODING:
        return read_workbook(file, len(job.columns))
    return read_records(open_text(file, job.options["encoding"]), job.options["delimiter"], len(job.columns))


def _apply(run: Run) -> None:
    _create(run, Import.Phase.PRODUCTS, Import.Phase.CUSTOMERS, _products)
    _create(run, Import.Phase.CUSTOMERS, Import.Phase.ORDERS, _customers)
    while _apply_batch(run):
        pass
    _finish(run)


def _refuse_endless_attempts(run: Run) -> None:
    if run.claimed.attempts > MOST_ATTEMPTS:
        raise StuckImport(
            f"The worker stopped {run.claimed.attempts - 1} times at the same place. Tell the platform's operators, "
            "then resume."
        )


def _read_file(run: Run) -> None:
    with run.step() as job:
        if job.phase not in {Import.Phase.WAITING, Import.Phase.READING}:
            return
        job.phase = Import.Phase.READING
    with _open(job) as file:
        for chunk in read_chunks(_records(job, file), _row_reader(job), after=job.staged_line):
            with run.step() as job:
                stage(job, chunk)
                job.bytes_read = _position(file, job)
    with run.step() as job:
        job.phase, job.bytes_read = Import.Phase.PRODUCTS, job.file_size


def _open(job: Import) -> IO[bytes]:
    try:
        return tenant_storage().open(job.file_path, "rb")
    except FileNotFoundError as error:
        raise FileGone(
            "The uploaded file is gone. Upload it again; rows already imported are recognised."
        ) from error


def _row_reader(job: Import) -> RowReader:
    return RowReader(
        mapping=job.mapping,
        columns=job.columns,
        zone=time_zone(job.options["time_zone"]),
        now=timezone.now(),
        date_order=job.options["date_order"],
        decimal_separator=job.options["decimal_separator"],
    )


def _create(run: Run, phase: str, following: str, create: Callable[[Import], None]) -> None:
    with run.step() as job:
        job.phase = phase
    with run.step() as job:
        create(job)
        job.phase = following


def _products(job: Import) -> None:
    job.products_created += create_products(job)


def _customers(job: Import) -> None:
    job.customers_created += create_customers(job)


def _apply_batch(run: Run) -> bool:
    with run.step() as job:
        return apply_next_invoices(job)


def _finish(run: Run) -> None:
    with run.end() as job:
        if job is None or job.status != Import.Status.RUNNING:
            raise Interrupted
        if job.is_rehearsal:
            _finish_rehearsal(job)
            return
        if job.rows_handled != job.rows_read:
            raise CountsDisagree(
                f"{job.rows_read} rows were read, but {job.rows_handled} are accounted for. "
                "Tell the platform's operators."
            )
        job.status, job.phase, job.error = Import.Status.DONE, Import.Phase.FINISHED, ""
        record(actor=WORKER, verb="import.finished", target=job, data=counts(job))


def _finish_rehearsal(job: Import) -> None:
    """Leave what was found out, and nothing else, behind a dry run."""
    StagedLine.objects.filter(job=job).delete()
    job.status, job.phase, job.error = Import.Status.READY, Import.Phase.WAITING, ""
    job.rehearsed_at = timezone.now()
    record(actor=WORKER, verb="import.rehearsed", target=job, data=counts(job))


def counts(job: Import) -> dict[str, int]:
    """The import's figures, as the audit log and the API give them."""
    names = ("rows_read", "rows_imported", "rows_rejected", "rows_already_there", "products_created")
    more: tuple[str, ...] = ("customers_created", "orders_created", "cancellations_created", "orders_skipped")
    if job.is_of_customers:
        more = ("customers_created", "customers_changed")
    elif job.is_of_records:
        more = ("products_changed",)
    return {name: getattr(job, name) for name in names + more}


def _settle_cancelled(run: Run) -> None:
    with run.end() as job:
        if job is not None and job.status == Import.Status.CANCELLING:
            job.status = Import.Status.CANCELLED
            record(actor=WORKER, verb="import.stopped", target=job, data=counts(job))


def fail(run: Run, error: Exception) -> None:
    """Say why the import stopped; what is done stays done, and it can be resumed."""
    with run.end() as job:
        if job is not None:
            job.status, job.error = Import.Status.FAILED, explain(error)
            record(actor=WORKER, verb="import.failed", target=job, data={"error": job.error})


def explain(error: Exception) -> str:
    """The failure in words for the people of the shop."""
    if isinstance(error, EXPLAINED):
        return str(error)
    if isinstance(error, DataError):
        return "The database refused a value out of range, such as an invoice of over 999,999,999,999.99."
    what = "A database error" if isinstance(error, DatabaseError) else "An unexpected error"
    return f"{what} stopped the import. What was imported is kept; resume it to go on, or tell the operators."
