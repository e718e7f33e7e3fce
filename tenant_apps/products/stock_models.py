"""Where stock lies: locations, what is there of each product, and the documents that move and count it."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from tenants.models import Record

# Every tenant begins with this location. One id for all: what is written without a location can name it in SQL.
FIRST_LOCATION: Final = UUID("00000000-0000-7000-8000-000000000001")


class LocationQuerySet(models.QuerySet["Location"]):
    def live(self) -> Self:
        """Locations that are not archived."""
        return self.filter(archived_at=None)

    def default(self) -> Location:
        """Where stock goes to when nobody says where."""
        return self.get(is_default=True)


class Location(Record):
    """A place that stock lies at. One is the default; an empty one can be archived, none is deleted."""

    code = models.CharField(max_length=16)
    name = models.CharField(max_length=120)
    address = models.TextField(blank=True, default="")
    is_default = models.BooleanField(default=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Counts the documents that begin here; with the code, which never changes, it makes their numbers.
    documents = models.IntegerField(default=0, db_default=0, editable=False)

    objects = LocationQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="products_location_code_unique"),
            models.UniqueConstraint(
                fields=["is_default"], name="products_location_one_default", condition=Q(is_default=True)
            ),
            models.CheckConstraint(
                condition=Q(code=Upper("code")) & Q(code__regex="^[A-Z0-9][A-Z0-9._-]*$"),
                name="products_location_code_plain",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="products_location_name_given"),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(archived_at=None), name="products_location_default_live"
            ),
        ]
        indexes = [
            models.Index(fields=["name", "id"], name="products_location_name"),
            models.Index(fields=["-updated_at", "-id"], name="products_location_updated"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class StockLevel(Record):
    """What is on hand and reserved of one product at one location. Only the ledger writes it."""

    product = models.ForeignKey(
        "products.Product", on_delete=models.PROTECT, related_name="levels", db_index=False
    )
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="levels", db_index=False)
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)

    class Meta:
        ordering = ["location", "product"]
        constraints = [
            models.UniqueConstraint(fields=["product", "location"], name="products_level_place_unique"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="products_level_reserved_positive"),
            models.CheckConstraint(
                condition=Q(on_hand__gte=F("reserved")), name="products_level_not_oversold"
            ),
        ]
        indexes = [
            models.Index(fields=["location", "product"], name="products_level_location"),
            models.Index(fields=["-updated_at", "-id"], name="products_level_updated"),
        ]

    def __str__(self) -> str:
        return f"{self.on_hand} on hand, {self.reserved} reserved"

    @property
    def available(self) -> int:
        """What can still be promised from here."""
        return self.on_hand - self.reserved


class StockDocumentQuerySet(models.QuerySet["StockDocument"]):
    def transfers(self) -> Self:
        """Documents that move stock from one location to another."""
        return self.filter(kind=StockDocument.Kind.TRANSFER)

    def counts(self) -> Self:
        """Documents that compare the books with the shelves."""
        return self.filter(kind=StockDocument.Kind.COUNT)

    def open(self) -> Self:
        """Documents that something is still to be done with."""
        return self.filter(status__in=OPEN)


class StockDocument(Record):
    """A transfer (draft, sent, received) or a count (open, applied); either may be cancelled."""

    class Kind(models.TextChoices):
        TRANSFER = "transfer", "Transfer"
        COUNT = "count", "Count"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "On its way"
        RECEIVED = "received", "Received"
        OPEN = "open", "Open"
        APPLIED = "applied", "Applied"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=8, choices=Kind)
    status = models.CharField(max_length=9, choices=Status)
    number = models.CharField(max_length=32)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    destination = models.ForeignKey(
        Location, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    note = models.CharField(max_length=500, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = StockDocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="products_document_number_unique"),
            models.CheckConstraint(
                condition=Q(kind="transfer", status__in=["draft", "sent", "received", "cancelled"])
                | Q(kind="count", status__in=["open", "applied", "cancelled"]),
                name="products_document_status_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="transfer", destination__isnull=False) & ~Q(destination=F("location"))
                | Q(kind="count", destination=None),
                name="products_document_destination_fits",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["received", "applied", "cancelled"], ended_at__isnull=False)
                | Q(status__in=["draft", "sent", "open"], ended_at=None),
                name="products_document_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "-created_at", "-id"], name="products_document_kind"),
            models.Index(fields=["kind", "status", "-created_at", "-id"], name="products_document_status"),
            models.Index(fields=["kind", "-updated_at", "-id"], name="products_document_updated"),
            models.Index(fields=["location", "-created_at"], name="products_document_location"),
            models.Index(fields=["destination", "-created_at"], name="products_document_destination"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def source(self) -> str:
        """What the stock ledger calls this document."""
        return f"{self.kind}:{self.number}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


OPEN: Final = (StockDocument.Status.DRAFT, StockDocument.Status.SENT, StockDocument.Status.OPEN)


class StockDocumentLine(Record):
    """One product on a document.

    On a transfer `expected` is what is sent and `actual` what has arrived. On a count `expected` is what the books
    said when `actual` was counted, so that what moves afterwards is no difference.
    """

    document = models.ForeignKey(
        StockDocument, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    product = models.ForeignKey(
        "products.Product", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    expected = models.IntegerField()
    actual = models.IntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["document", "product"], name="products_docline_product_unique"),
            models.CheckConstraint(condition=Q(expected__gte=0), name="products_docline_expected_positive"),
            models.CheckConstraint(
                condition=Q(actual=None) | Q(actual__gte=0), name="products_docline_actual_positive"
            ),
        ]
        indexes = [models.Index(fields=["product"], name="products_docline_product")]

    def __str__(self) -> str:
        return f"{self.actual} of {self.expected}"

    @property
    def difference(self) -> int | None:
        """What was found more (or less, negative) than expected; none before somebody has looked."""
        return None if self.actual is None else self.actual - self.expected

    @property
    def outstanding(self) -> int:
        """What of a transfer has not arrived yet."""
        return self.expected - (self.actual or 0)
