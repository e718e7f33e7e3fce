"""Invoices and credit notes, the numbers they get, the seller on them, and their PDF files."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from tenant_apps.orders.models import Order
from tenants.models import Record, uuid7

SELLER_ID: Final = UUID(int=1)


class Seller(models.Model):
    """Who sells, as documents say it, and how they are numbered and issued. One row."""

    class Issuing(models.TextChoices):
        ON_REQUEST = "on_request", "When somebody asks for it"
        WHEN_PAID = "when_paid", "When an order is paid"
        WHEN_FULFILLED = "when_fulfilled", "When an order is fulfilled"

    id = models.UUIDField(primary_key=True, default=SELLER_ID, editable=False)
    legal_name = models.CharField(max_length=200, blank=True, default="")
    line1 = models.CharField("Address", max_length=200, blank=True, default="")
    line2 = models.CharField("Address, second line", max_length=200, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    city = models.CharField(max_length=100, blank=True, default="")
    region = models.CharField(max_length=100, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    vat_id = models.CharField("VAT id", max_length=20, blank=True, default="")
    email = models.EmailField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    footer = models.TextField(blank=True, default="")
    invoice_prefix = models.CharField(max_length=10, blank=True, default="INV-")
    credit_note_prefix = models.CharField(max_length=10, blank=True, default="CN-")
    payment_days = models.IntegerField(default=14)
    issuing = models.CharField(max_length=14, choices=Issuing, default=Issuing.ON_REQUEST)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=SELLER_ID), name="invoices_seller_single"),
            models.CheckConstraint(
                condition=Q(country="") | Q(country__regex="^[A-Z]{2}$"), name="invoices_seller_country_iso"
            ),
            models.CheckConstraint(
                condition=Q(payment_days__gte=0, payment_days__lte=365), name="invoices_seller_days_sound"
            ),
            models.CheckConstraint(
                condition=Q(issuing__in=["on_request", "when_paid", "when_fulfilled"]),
                name="invoices_seller_issuing_known",
            ),
            # What is issued by itself must never stand in the way of an order for want of an address.
            models.CheckConstraint(
                condition=Q(issuing="on_request")
                | ~Q(legal_name="") & ~Q(line1="") & ~Q(city="") & ~Q(country=""),
                name="invoices_seller_complete_to_issue",
            ),
            # Nobody should take a credit note for an invoice.
            models.CheckConstraint(
                condition=~Q(invoice_prefix=F("credit_note_prefix")), name="invoices_seller_prefixes_differ"
            ),
        ]

    def __str__(self) -> str:
        return self.legal_name or "Seller"

    @property
    def missing(self) -> list[str]:
        """What a document cannot do without and is not filled in yet."""
        return [name for name in ("legal_name", "line1", "city", "country") if not getattr(self, name)]


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def invoices(self) -> Self:
        return self.filter(kind=Invoice.Kind.INVOICE)

    def credit_notes(self) -> Self:
        return self.filter(kind=Invoice.Kind.CREDIT_NOTE)

    def with_file(self) -> Self:
        return self.select_related("file")


class Invoice(Record):
    """A document as it was issued: never changed, never deleted. A mistake is mended by a credit note."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "Invoice"
        CREDIT_NOTE = "credit_note", "Credit note"

    kind = models.CharField(max_length=11, choices=Kind)
    year = models.IntegerField()
    number = models.BigIntegerField()
    code = models.CharField(max_length=40)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="invoices", db_index=False)
    invoice = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="credit_notes", db_index=False
    )
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=14, decimal_places=2)
    language = models.CharField(max_length=10)
    issued_at = models.DateTimeField()
    snapshot = models.JSONField()

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "year", "number"], name="invoices_invoice_number_unique"),
            models.UniqueConstraint(fields=["kind", "code"], name="invoices_invoice_code_unique"),
            models.CheckConstraint(
                condition=Q(kind="invoice", invoice__isnull=True)
                | Q(kind="credit_note", invoice__isnull=False),
                name="invoices_invoice_credit_refers",
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="invoices_invoice_number_positive"),
            models.CheckConstraint(condition=~Q(code=""), name="invoices_invoice_code_given"),
            models.CheckConstraint(condition=Q(total__gte=0), name="invoices_invoice_total_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="invoices_invoice_currency_iso"
            ),
        ]
        indexes = [
            models.Index(fields=["-issued_at", "-id"], name="invoices_invoice_issued"),
            models.Index(fields=["-created_at", "-id"], name="invoices_invoice_created"),
            models.Index(fields=["-updated_at", "-id"], name="invoices_invoice_updated"),
            models.Index(fields=["kind", "-issued_at", "-id"], name="invoices_invoice_kind"),
            models.Index(fields=["order", "-issued_at", "-id"], name="invoices_invoice_order"),
            GinIndex(OpClass(Upper("code"), "gin_trgm_ops"), name="invoices_invoice_code_part"),
            models.Index(
                fields=["invoice"], name="invoices_invoice_credits", condition=Q(invoice__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_credit_note(self) -> bool:
        return self.kind == self.Kind.CREDIT_NOTE

    @property
    def file_name(self) -> str:
        """What the PDF is called where it is downloaded."""
        return f"{self.code.replace('/', '-')}.pdf"


class InvoiceFile(Record):
    """What has become of a document's PDF."""

    class State(models.TextChoices):
        QUEUED = "queued", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    invoice = models.OneToOneField(
        Invoice, on_delete=models.PROTECT, related_name="file", db_index=False, editable=False
    )
    state = models.CharField(max_length=6, choices=State, default=State.QUEUED)
    path = models.CharField(max_length=200, blank=True, default="")
    size = models.BigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="")
    attempts = models.IntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="ready", size__gt=0) & ~Q(path="") & ~Q(sha256="")
                | Q(state__in=["queued", "failed"], path="", sha256="", size__isnull=True),
                name="invoices_file_ready_or_not",
            ),
            models.CheckConstraint(condition=Q(attempts__gte=0), name="invoices_file_attempts_positive"),
        ]
        indexes = [
            models.Index(fields=["updated_at"], name="invoices_file_unfinished", condition=~Q(state="ready")),
        ]

    def __str__(self) -> str:
        return self.path or self.get_state_display()

    @property
    def is_ready(self) -> bool:
        return self.state == self.State.READY


class InvoiceCounter(models.Model):
    """The last number given to a kind of document in a year. Locked by each issue until its commit: no gaps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=11, choices=Invoice.Kind)
    year = models.IntegerField()
    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "year"], name="invoices_counter_unique"),
            models.CheckConstraint(condition=Q(last__gte=0), name="invoices_counter_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["invoice", "credit_note"]), name="invoices_counter_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last}"
