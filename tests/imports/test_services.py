"""The verbs of imports: what they keep, refuse and write down."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction

from tenant_apps.imports import services
from tenant_apps.imports.errors import (
    EmptyFile,
    FileTooLarge,
    ImportBusy,
    ImportMissing,
    InvalidMapping,
    InvalidOptions,
    NotACsv,
)
from tenant_apps.imports.models import Import, RejectedRow, StagedLine
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import (
    cancel_import,
    configure_import,
    delete_import,
    resume_import,
    start_import,
    upload_import,
)
from tenant_apps.orders.models import Order
from tenants.audit.models import AuditEntry
from tests.imports.conftest import CLERK, fresh, imported, upload
from tests.imports.files import SOUND, a_csv, a_row, every_reason

pytestmark = pytest.mark.usefixtures("in_acme")

AMBIGUOUS = a_csv(a_row(InvoiceDate="1/12/2010 8:26"))


def audited() -> list[str]:
    with transaction.atomic():
        return list(
            AuditEntry.objects.filter(verb__startswith="import.")
            .order_by("at", "id")
            .values_list("verb", flat=True)
        )


def test_an_upload_is_kept_understood_and_audited(media: Path):
    job = upload(a_csv(a_row()), name="C:\\shop\\May\x07.csv", start=False)
    assert (job.status, job.phase, job.created_by) == ("ready", "waiting", CLERK.label)
    assert job.mapping["sku"] == "StockCode"
    assert job.sample == [list(SOUND.values())]
    assert job.readable_options == {
        "encoding": "utf-8-sig",
        "delimiter": ",",
        "currency": "GBP",
        "time_zone": "UTC",
        "date_order": "ymd",
        "decimal_separator": ".",
    }
    assert [path.stat().st_size for path in media.rglob("*.csv")] == [job.file_size]
    assert audited() == ["import.uploaded"]


def test_the_fingerprint_is_that_of_the_file():
    import hashlib

    text = a_csv(a_row())
    assert upload(text).file_sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyFile),
        (b"\n\n", EmptyFile),
        (b"PK\x03\x04", NotACsv),
        (b"\x00\x01\x02", NotACsv),
        (b"colour,size\nred,9\n", InvalidMapping),
        (AMBIGUOUS.encode(), InvalidOptions),
    ],
)
def test_a_file_that_cannot_be_imported_leaves_nothing_behind(
    content: bytes, error: type[Exception], media: Path
):
    with pytest.raises(error):
        upload(content)
    with transaction.atomic():
        assert not Import.objects.exists()
    assert not list(media.rglob("*.csv"))


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "IMPORT_MAX_MB", 1)
    with pytest.raises(FileTooLarge, match="1 MB are the most"):
        upload(b"x" * (1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("length", "refused"), [("3000000", True), ("2000000", False), ("", False), (None, False)]
)
def test_a_request_is_refused_by_the_length_it_announces(
    length: str | None, refused: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings, "IMPORT_MAX_MB", 1)
    if refused:
        with pytest.raises(FileTooLarge):
            services.refuse_length(length)
    else:
        services.refuse_length(length)


def test_the_file_goes_when_its_row_cannot_be_written(monkeypatch: pytest.MonkeyPatch, media: Path):
    def refuse(**fields: Any) -> None:
        raise RuntimeError("the disk of the log is full")

    monkeypatch.setattr(services, "record", refuse)
    with pytest.raises(RuntimeError), transaction.atomic():
        upload_import(actor=CLERK, file=ContentFile(a_csv(a_row()).encode()), name="x.csv")
    assert not list(media.rglob("*.csv"))


def test_a_header_nobody_knows_can_be_mapped():
    text = a_csv(a_row()).replace("StockCode", "Kode").replace("UnitPrice", "Pris")
    job = upload(text, start=False)
    assert (job.status, job.missing) == ("uploaded", ["sku", "unit_price"])
    with pytest.raises(InvalidMapping, match="“SKU”, “Unit price”"):
        start_import(actor=CLERK, job=job)
    job = configure_import(actor=CLERK, job=job, mapping={**job.mapping, "sku": "Kode", "unit_price": "Pris"})
    assert (job.status, job.missing) == ("ready", [])


def test_dates_that_can_be_read_two_ways_are_asked_about():
    job = upload(AMBIGUOUS, start=False)
    assert (job.status, job.missing) == ("uploaded", ["date_order"])
    with pytest.raises(InvalidOptions, match="dmy or mdy"):
        start_import(actor=CLERK, job=job)
    job = configure_import(actor=CLERK, job=job, options={"date_order": "dmy"})
    start_import(actor=CLERK, job=job)
    run_import(job.pk)
    with transaction.atomic():
        order = Order.objects.get()
    assert order.placed_at is not None
    assert order.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"


def test_given_options_outlast_a_new_mapping():
    job = upload(AMBIGUOUS, start=False, options={"date_order": "mdy", "currency": "USD"})
    job = configure_import(actor=CLERK, job=job, mapping={**job.mapping, "country": ""})
    assert (job.options["date_order"], job.options["currency"]) == ("mdy", "USD")
    assert "country" not in job.mapping


def test_a_running_import_can_be_neither_configured_started_nor_deleted():
    job = upload(a_csv(a_row()))
    for verb in (configure_import, start_import, delete_import, resume_import):
        with pytest.raises(ImportBusy, match="is running"):
            verb(actor=CLERK, job=job)


def test_an_import_that_no_worker_has_is_cancelled_at_once_and_resumed():
    job = cancel_import(actor=CLERK, job=upload(a_csv(a_row())))
    assert (job.status, job.finished_at is None) == ("cancelled", False)
    run_import(job.pk)
    assert fresh(job).rows_read == 0
    resume_import(actor=CLERK, job=job)
    run_import(job.pk)
    assert fresh(job).status == "done"
    assert audited() == [
        "import.uploaded",
        "import.started",
        "import.cancelled",
        "import.resumed",
        "import.finished",
    ]


def test_a_finished_import_can_only_be_deleted():
    job = imported(a_csv(a_row()))
    for verb in (configure_import, start_import, cancel_import, resume_import):
        with pytest.raises(ImportBusy, match="is done"):
            verb(actor=CLERK, job=job)


def test_deleting_takes_file_and_report_and_leaves_the_orders(media: Path):
    job = imported(every_reason())
    delete_import(actor=CLERK, job=job)
    with transaction.atomic():
        assert not Import.objects.exists()
        assert not RejectedRow.objects.exists()
        assert not StagedLine.objects.exists()
        assert Order.objects.count() == 1
    assert not list(media.rglob("*.csv"))
    with pytest.raises(ImportMissing):
        delete_import(actor=CLERK, job=job)


def test_a_lost_broker_does_not_fail_the_start(monkeypatch: pytest.MonkeyPatch):
    from tenant_apps.imports.tasks import run_import_task

    def away(*args: Any, **options: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(run_import_task, "delay", away)
    assert upload(a_csv(a_row())).status == "running"
