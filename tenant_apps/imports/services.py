"""The verbs of imports: upload, configure, try, start, cancel, resume, undo, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from billing.limits.storing import require_storage
from tenant_apps.imports.columns import check_mapping, match_columns, require_complete
from tenant_apps.imports.errors import EmptyFile, FileTooLarge, ImportBusy, ImportMissing, InvalidOptions
from tenant_apps.imports.models import Import, StagedLine
from tenant_apps.imports.options import check_options, infer_options
from tenant_apps.imports.reading import HEAD_BYTES, EncodingProbe, Head, read_head
from tenant_apps.imports.rows import shown
from tenant_apps.imports.workbooks import ENCODING, SIGNATURE, read_workbook_head
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.models import uuid7
from tenants.storage import tenant_storage

SAMPLE_ROWS: Final = 5
REMEMBERED: Final = 50
MEGABYTE: Final = 1024 * 1024


def upload_import(
    *,
    actor: Actor,
    file: File[bytes],
    name: str,
    kind: str = Import.Kind.ORDER_LINES,
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    start: bool = False,
) -> Import:
    """Keep a file of order lines, products or customers and understand its head; with `start`, import it at once.

    Everything that can be wrong with the head is refused before anything is kept.
    """
    job = _understood(file, name, actor)
    job.kind = kind
    head = _head(file, job.options["encoding"])
    before = None if mapping else _last_alike(kind, head.columns)
    remembered = _given(before) if before else {}
    suggested = before.mapping if before else match_columns(head.columns, kind)
    _configure(job, head, mapping or suggested, {**remembered, **(options or {})})
    if start:
        _require_ready(job)
    with transaction.atomic():
        require_storage(file.size, way_on="remove pictures")
    ending = ENCODING if job.options["encoding"] == ENCODING else "csv"
    job.file_path = tenant_storage().save(f"imports/{job.pk}.{ending}", file)
    try:
        return _create_import(job, actor, start)
    except BaseException:
        tenant_storage().delete(job.file_path)
        raise


def _last_alike(kind: str, columns: list[str]) -> Import | None:
    """The last import that ran with the same columns, whose mapping its owner found right."""
    with transaction.atomic():
        ran = Import.objects.filter(kind=kind).exclude(status__in=Import.UNSTARTED).order_by("-created_at")
        latest = ran.only("columns", "mapping", "options")[:REMEMBERED]
        return next((job for job in latest if sorted(job.columns) == sorted(columns)), None)


def configure_import(
    *,
    actor: Actor,
    job: Import,
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Import:
    """Say which column feeds which field, and how dates, prices and times are meant."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_configurable:
            raise _not_now(job, "changed", "has not been started")
        with tenant_storage().open(job.file_path) as file:
            head = _head(file, job.options["encoding"])
        given = {**_given(job), **(options or {})}
        _configure(job, head, job.mapping if mapping is None else mapping, given)
        _forget_results(job)
        job.save()
        record(actor=actor, verb="import.configured", target=job, data={"mapping": job.mapping, **given})
    return job


def start_import(*, actor: Actor, job: Import) -> Import:
    """Hand the import to a worker, after the commit."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_configurable:
            raise _not_now(job, "started", "has not been started")
        _require_ready(job)
        _forget_results(job)
        job.mode = Import.Mode.APPLY
        _hand_over(job, actor, "import.started")
    return job


def rehearse_import(*, actor: Actor, job: Import) -> Import:
    """Have a worker go through the file and say what would come of each row, without importing any."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_configurable:
            raise _not_now(job, "tried", "has not been started")
        _require_ready(job)
        _forget_results(job)
        job.mode = Import.Mode.REHEARSE
        _hand_over(job, actor, "import.rehearsal_started")
    return job


def undo_import(*, actor: Actor, job: Import) -> Import:
    """Have a worker take back what nobody has touched since; what was touched stays, and is named."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_undoable:
            raise _not_now(job, "undone", "has ended, has brought something in and was not undone before")
        job.mode, job.undone_line = Import.Mode.UNDO, 0
        _hand_over(job, actor, "import.undo_started")
    return job


def _forget_results(job: Import) -> None:
    """Forget what a dry run has found."""
    if job.rehearsed_at is None and job.rows_read == 0:
        return
    job.rejected_rows.all().delete()
    job.records.all().delete()
    StagedLine.objects.filter(job=job).delete()
    for name in RESULTS:
        setattr(job, name, 0)
    job.phase, job.rehearsed_at = Import.Phase.WAITING, None


RESULTS: Final = (
    "rows_read",
    "rows_imported",
    "rows_rejected",
    "rows_already_there",
    "products_created",
    "products_changed",
    "customers_created",
    "customers_changed",
    "bytes_read",
    "staged_line",
    "applied_line",
)


def resume_import(*, actor: Actor, job: Import) -> Import:
    """Go on with a cancelled or failed import where it stopped."""
    with transaction.atomic():
        job = _locked(job)
        if job.status not in Import.STOPPED:
            raise _not_now(job, "resumed", "was cancelled or has failed")
        _require_ready(job)
        _hand_over(job, actor, "import.resumed")
    return job


def cancel_import(*, actor: Actor, job: Import) -> Import:
    """Stop an import: at once if no worker has it, else with the chunk in hand. What is imported stays."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_cancellable:
            raise _not_now(job, "cancelled", "has not ended")
        in_hand = job.lease is not None
        job.status = Import.Status.CANCELLING if in_hand else Import.Status.CANCELLED
        job.finished_at = None if in_hand else timezone.now()
        job.save()
        record(actor=actor, verb="import.cancelled", target=job)
    return job


def delete_import(*, actor: Actor, job: Import) -> None:
    """Forget an import, its rejected rows and its file. The orders it made stay."""
    with transaction.atomic():
        job = _locked(job)
        if not job.is_deletable:
            raise _not_now(job, "deleted", "is not running")
        record(actor=actor, verb="import.deleted", target=job, data={"file": job.file_name})
        StagedLine.objects.filter(job=job).delete()
        job.delete()
        storage, path = tenant_storage(), job.file_path
        transaction.on_commit(lambda: storage.delete(path), robust=True)


def requeue_stale_imports(*, now: datetime | None = None) -> int:
    """Hand imports to a worker again whose worker died or whose message was lost; how many there were."""
    now = now or timezone.now()
    with transaction.atomic():
        # A locked row is being worked on this moment.
        stale = list(Import.objects.stale(now).select_for_update(skip_locked=True))
        for job in stale:
            job.lease, job.heartbeat_at = None, now
            job.save(update_fields=["lease", "heartbeat_at"])
            _enqueue(job.pk)
    return len(stale)


def _understood(file: File[bytes], name: str, actor: Actor) -> Import:
    """A new import that knows its file's size, fingerprint and encoding."""
    size = file.size
    _refuse_size(size)
    digest, probe = hashlib.sha256(), EncodingProbe()
    file.seek(0)
    is_workbook = file.read(len(SIGNATURE)) == SIGNATURE
    for chunk in file.chunks():
        digest.update(chunk)
        probe.feed(chunk)
    return Import(
        id=uuid7(),
        file_name=_file_name(name),
        file_size=size,
        file_sha256=digest.hexdigest(),
        options={"encoding": ENCODING if is_workbook else probe.finish()},
        created_by=actor.label[:200],
    )


def refuse_length(content_length: str | None) -> None:
    """Refuse a request by the length it announces, before its body is read."""
    allowed: int = settings.IMPORT_MAX_MB + 1
    if content_length and content_length.isdecimal() and int(content_length) > allowed * MEGABYTE:
        _refuse_size(int(content_length))


def _refuse_size(size: int) -> None:
    most: int = settings.IMPORT_MAX_MB
    if size > most * MEGABYTE:
        raise FileTooLarge(
            f"The file has {size / MEGABYTE:.1f} MB; {most} MB are the most. Split it between two invoices, "
            "with the header on both parts.",
            field="file",
        )
    if size == 0:
        raise EmptyFile("The file is empty. Export it again, with a header row.", field="file")


def _file_name(name: str) -> str:
    plain = "".join(character for character in PurePath(name).name if character.isprintable())
    return plain[-200:] or "upload.csv"


def _head(file: File[bytes], encoding: str) -> Head:
    file.seek(0)
    if encoding == ENCODING:
        return read_workbook_head(file.file or file)
    return read_head(file.read(HEAD_BYTES), encoding)


def _configure(job: Import, head: Head, mapping: Mapping[str, str], options: Mapping[str, Any]) -> None:
    chosen = {name: column for name, column in mapping.items() if column}
    check_mapping(chosen, head.columns, job.kind)
    given = check_options(options)
    tenant = current_tenant()
    job.columns, job.mapping = head.columns, chosen
    job.sample = [[shown(value) for value in row] for row in head.sample[:SAMPLE_ROWS]]
    job.options = {
        "encoding": job.options["encoding"],
        "delimiter": head.delimiter,
        "currency": tenant.currency,
        "time_zone": tenant.time_zone,
        **infer_options(head, chosen),
        **given,
        "given": sorted(given),
    }
    job.status = Import.Status.UPLOADED if job.missing else Import.Status.READY


def _given(job: Import) -> dict[str, Any]:
    return {name: job.options[name] for name in job.options["given"]}


def _require_ready(job: Import) -> None:
    require_complete(job.mapping, job.columns, job.kind)
    if job.missing:
        raise InvalidOptions(
            "The dates can be read as day/month or month/day. Say which by the option date_order: "
            "dmy or mdy.",
            field="options",
            missing=job.missing,
        )


def _create_import(job: Import, actor: Actor, start: bool) -> Import:
    with transaction.atomic():
        job.save(force_insert=True)
        data = {"file": job.file_name, "bytes": job.file_size, "sha256": job.file_sha256}
        record(actor=actor, verb="import.uploaded", target=job, data=data)
        if start:
            _hand_over(job, actor, "import.started")
    return job


def _hand_over(job: Import, actor: Actor, verb: str) -> None:
    job.status, job.error, job.lease, job.attempts = Import.Status.RUNNING, "", None, 0
    job.heartbeat_at, job.finished_at = timezone.now(), None
    job.save()
    record(actor=actor, verb=verb, target=job)
    _enqueue(job.pk)


def _enqueue(import_id: UUID) -> None:
    from tenant_apps.imports.tasks import run_import_task

    # If the broker is away, the sweeper hands the import over as soon as it is back.
    transaction.on_commit(lambda: run_import_task.delay(str(import_id)), robust=True)


def _locked(job: Import) -> Import:
    """The import as it is now, unchanged until the commit."""
    found = Import.objects.select_for_update().filter(pk=job.pk).first()
    if found is None:
        raise ImportMissing("Somebody has deleted this import meanwhile.")
    return found


def _not_now(job: Import, move: str, condition: str) -> ImportBusy:
    return ImportBusy(
        f"This import is {job.get_status_display().lower()}; only one that {condition} can be {move}.",
        status_now=job.status,
    )
