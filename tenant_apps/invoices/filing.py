"""Making the PDF of a document in the worker: once, however often the message comes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from tenant_apps.invoices.documents import pdf_of
from tenant_apps.invoices.errors import FileNotReady
from tenant_apps.invoices.models import Invoice, InvoiceFile
from tenants.files import signed_url
from tenants.storage import tenant_storage

PDF: Final = "application/pdf"
MOST_ATTEMPTS: Final = 5
OVERDUE: Final = timedelta(minutes=2)
log = structlog.get_logger(__name__)


class StuckDocument(Exception):
    """Worker after worker died over it."""


def make_file(invoice_id: UUID) -> None:
    """Lay the document out and keep its file. The work is done outside of a transaction: it takes a second."""
    invoice = _begun(invoice_id)
    if invoice is None:
        return
    if invoice.file.attempts > MOST_ATTEMPTS:
        _fail(invoice, StuckDocument(f"The worker stopped {MOST_ATTEMPTS} times while it made this file."))
        return
    try:
        pdf = pdf_of(invoice)
    except Exception as error:
        log.exception("invoice_file_failed", invoice=str(invoice_id))
        _fail(invoice, error)
        return
    _keep(invoice, pdf)


def download_url(invoice: Invoice, *, inline: bool = False) -> str:
    """Where the PDF can be had for a while."""
    if not invoice.file.is_ready:
        raise FileNotReady(
            f"The PDF of {invoice.code} is {invoice.file.get_state_display().lower()}. Ask again in a moment.",
            state=invoice.file.state,
        )
    return signed_url(invoice.file.path, filename=invoice.file_name, content_type=PDF, inline=inline)


def unfinished_files(now: datetime) -> list[UUID]:
    """Documents whose message was lost or whose worker failed, queued again."""
    late = Q(updated_at__lt=now - OVERDUE) & (
        Q(attempts__lt=MOST_ATTEMPTS) | Q(state=InvoiceFile.State.QUEUED)
    )
    with transaction.atomic():
        rows = InvoiceFile.objects.exclude(state=InvoiceFile.State.READY).filter(late)
        found = list(rows.select_for_update(skip_locked=True).values_list("invoice_id", flat=True)[:500])
        InvoiceFile.objects.filter(invoice__in=found).update(
            state=InvoiceFile.State.QUEUED, error="", updated_at=now
        )
    return found


def _begun(invoice_id: UUID) -> Invoice | None:
    """The document, with this attempt counted; None if it has its file. One that kills its workers is counted too."""
    with transaction.atomic():
        queued = InvoiceFile.objects.filter(invoice=invoice_id, state=InvoiceFile.State.QUEUED)
        if not queued.update(attempts=F("attempts") + 1, updated_at=timezone.now()):
            return None
        return Invoice.objects.with_file().get(pk=invoice_id)


def _keep(invoice: Invoice, pdf: bytes) -> None:
    storage, path = tenant_storage(), f"invoices/{invoice.pk}.pdf"
    with transaction.atomic():
        file = InvoiceFile.objects.select_for_update().get(invoice=invoice)
        if file.is_ready:  # another worker was faster
            return
        # A worker that was killed before its commit has left it, and told nobody.
        storage.delete(path)
        file.path, file.size = storage.save(path, ContentFile(pdf)), len(pdf)
        file.state, file.sha256, file.error = file.State.READY, hashlib.sha256(pdf).hexdigest(), ""
        file.save()


def _fail(invoice: Invoice, error: Exception) -> None:
    with transaction.atomic():
        InvoiceFile.objects.filter(invoice=invoice, state=InvoiceFile.State.QUEUED).update(
            state=InvoiceFile.State.FAILED,
            error=f"{type(error).__name__}: {error}"[:300],
            updated_at=timezone.now(),
        )


@dataclass(frozen=True)
class Download:
    """Where the PDF of a document can be had, and how to check what came."""

    url: str
    file_name: str
    size: int | None
    sha256: str

    @classmethod
    def of(cls, invoice: Invoice) -> Download:
        """The download of a document whose PDF is ready."""
        url = download_url(invoice)
        return cls(url, invoice.file_name, invoice.file.size, invoice.file.sha256)
