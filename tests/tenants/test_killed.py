"""What workers do in steps, killed with SIGKILL at each of them: the next worker ends it, and nothing differs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connections, transaction
from django.utils import timezone

from tenant_apps.imports import running, undoing, upserts
from tenant_apps.imports.models import Import
from tenant_apps.imports.running import Run, run_import
from tenant_apps.imports.services import requeue_stale_imports, undo_import, upload_import
from tenant_apps.invoices import filing
from tenant_apps.invoices.models import InvoiceCounter, InvoiceFile
from tenant_apps.products.bulk import PRODUCTS
from tenant_apps.products.models import Product
from tenants.api import bulk, jobs
from tenants.api.jobs import requeue_stale_jobs, run_job, start_job
from tenants.api.models import Job
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, tenant_context
from tenants.storage import TenantStorage
from tests.invoices.builders import an_invoice
from tests.kills import Place, killed
from tests.products.builders import CLERK, a_product
from tests.waiting import wait_until

FILE = "sku,name,price\n" + "".join(f"SKU-{n},Thing {n},{n}.00\n" for n in range(1, 8))
LATER = timedelta(minutes=3)
UNDISTURBED: dict["Work", str] = {}  # what each kind of work comes to when nobody is killed


@dataclass(frozen=True)
class Work:
    """Something a worker does: begun by a request, done by `run`, found again by `sweep`, and what it leads to."""

    begin: Callable[[], UUID]
    run: Callable[[UUID], None]
    sweep: Callable[[], int]
    outcome: Callable[[UUID], Any]


def shop() -> list[tuple[str, str, str]]:
    rows = Product.objects.order_by("sku").values_list("sku", "name", "price")
    return [(sku, name, str(price)) for sku, name, price in rows]


def upload() -> UUID:
    a_product(sku="SKU-2", name="Mine", price=Decimal(1))
    file = ContentFile(FILE.encode())
    return upload_import(actor=CLERK, file=file, name="p.csv", kind="products", start=True).pk


def imported(key: UUID) -> Any:
    job = Import.objects.get(pk=key)
    counts = job.rows_read, job.products_created, job.products_changed, job.records_undone, job.records_kept
    made = AuditEntry.objects.filter(verb__in=["product.created", "product.updated"]).count()
    return job.status, job.error, counts, made, shop()


def sweep_imports() -> int:
    return requeue_stale_imports(now=timezone.now() + LATER)


def begin_undo() -> UUID:
    key = upload()
    transaction.on_commit(lambda: run_and_undo(key))
    return key


def run_and_undo(key: UUID) -> None:
    run_import(key)
    with transaction.atomic():
        undo_import(actor=CLERK, job=Import.objects.get(pk=key))


def begin_bulk() -> UUID:
    items = [{"sku": f"MUG-{n}", "name": f"Mug {n}", "price": "9.50"} for n in range(5)]
    return start_job(actor=CLERK, kind=PRODUCTS.job, parameters={"mode": "each", "items": items}, total=5).pk


def sweep_jobs() -> int:
    Job.objects.update(heartbeat_at=timezone.now() - LATER)
    return requeue_stale_jobs()


def job_done(key: UUID) -> Any:
    job = Job.objects.get(pk=key)
    told = [(each["status"], each["index"]) for each in job.result["items"]]
    ended = AuditEntry.objects.filter(verb="job.succeeded").count()
    return job.status, job.done, told, ended, shop()


def sweep_files() -> int:
    return len(filing.unfinished_files(timezone.now() + LATER))


def filed(key: UUID) -> Any:
    file = InvoiceFile.objects.select_related("invoice").get(invoice=key)
    stored = list(Path(settings.MEDIA_ROOT).rglob("*.pdf"))
    is_whole = [len(path.read_bytes()) for path in stored] == [file.size]
    return file.state, file.path, is_whole, file.invoice.code, InvoiceCounter.objects.get().last


IMPORT = Work(upload, run_import, sweep_imports, imported)
UNDO = Work(begin_undo, run_import, sweep_imports, imported)
JOB = Work(begin_bulk, run_job, sweep_jobs, job_done)
FILING = Work(lambda: an_invoice().pk, filing.make_file, sweep_files, filed)
POINTS: list[tuple[Work, Place, bool, int]] = [
    (IMPORT, (running, "put_chunk"), False, 1),
    (IMPORT, (Run, "_note_progress"), True, 2),
    (IMPORT, (running, "put_chunk"), False, 3),
    (IMPORT, (running, "record"), True, 1),
    (UNDO, (running, "undo_next"), False, 2),
    (UNDO, (undoing, "_undo_record"), True, 2),
    (UNDO, (running, "record"), True, 1),
    (JOB, (bulk, "_add"), True, 1),
    (JOB, (jobs, "_step"), True, 1),
    (JOB, (jobs, "_end"), True, 1),
    (FILING, (filing, "pdf_of"), False, 1),
    (FILING, (TenantStorage, "save"), True, 1),
    (FILING, (InvoiceFile, "save"), True, 1),
]


@pytest.fixture(autouse=True)
def small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    monkeypatch.setattr(upserts, "CHUNK_RECORDS", 2)
    monkeypatch.setattr(undoing, "CHUNK", 2)
    monkeypatch.setattr(bulk, "STEP", 2)
    monkeypatch.setattr(filing, "pdf_of", lambda invoice: b"%PDF a second of work")


@pytest.mark.parametrize(
    ("work", "place", "after", "turn"), POINTS, ids=[f"{place[1]}-{turn}" for _, place, _, turn in POINTS]
)
def test_work_that_is_killed_is_ended_by_the_next_worker(
    acme: Tenant, pristine: Any, work: Work, place: Place, after: bool, turn: int
) -> None:
    with tenant_context(acme):
        if work not in UNDISTURBED:
            UNDISTURBED[work] = done(work, work.run)
            start_anew(pristine)
        assert done(work, lambda key: interrupted(work, key, place, after, turn)) == UNDISTURBED[work]


def start_anew(pristine: Any) -> None:
    connections.close_all()
    pristine.restore()
    for file in Path(settings.MEDIA_ROOT).rglob("*.*"):
        file.unlink()


def done(work: Work, run: Callable[[UUID], None]) -> Any:
    with transaction.atomic():
        key = work.begin()
    run(key)
    with transaction.atomic():
        return without_ids(work.outcome(key), key)


def without_ids(outcome: Any, key: UUID) -> str:
    return repr(outcome).replace(str(key), "…")


def interrupted(work: Work, key: UUID, place: Place, after: bool, turn: int) -> None:
    killed(lambda: work.run(key), at=place, after=after, time=turn)
    # The server may need a moment to notice that the dead worker's transaction is nobody's.
    wait_until(lambda: swept(work), "nobody took it up")
    work.run(key)


def swept(work: Work) -> int:
    with transaction.atomic():
        return work.sweep()


def test_a_document_that_kills_each_worker_is_given_up_and_told(acme: Tenant) -> None:
    with tenant_context(acme):
        with transaction.atomic():
            key = an_invoice().pk
            InvoiceFile.objects.update(attempts=filing.MOST_ATTEMPTS - 1)
        killed(lambda: filing.make_file(key), at=(filing, "pdf_of"))
        assert swept(FILING) == 1
        filing.make_file(key)
        with transaction.atomic():
            file = InvoiceFile.objects.get()
        assert (file.state, swept(FILING)) == ("failed", 0)
        assert "stopped 5 times" in file.error
