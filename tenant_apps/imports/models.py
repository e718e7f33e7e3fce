"""An import, the lines it has read and not yet applied, and the rows it could not use."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tenant_apps.imports.columns import missing_fields
from tenant_apps.imports.rows import LONGEST_CODE, LONGEST_COUNTRY, LONGEST_TEXT, Reason
from tenants.models import Record, uuid7

STALE_AFTER: Final = timedelta(seconds=60)
# Shares of the whole work, as measured: reading the file, then products and customers, then orders.
READING_SHARE: Final = 0.45
CATALOGUE_SHARE: Final = 0.05


class ImportQuerySet(models.QuerySet["Import"]):
    def unfinished(self) -> Self:
        """Imports that a worker has in hand, or should have."""
        return self.filter(status__in=Import.ACTIVE)

    def stale(self, now: datetime) -> Self:
        """Unfinished imports that no worker has touched for a while: it died, or the message was lost."""
        return self.unfinished().filter(heartbeat_at__lt=now - STALE_AFTER)


class Import(Record):
    """One file on its way into the shop, with all that is known of its progress."""

    class Kind(models.TextChoices):
        ORDER_LINES = "order_lines", "Order lines"
        PRODUCTS = "products", "Products"
        CUSTOMERS = "customers", "Customers"

    class Mode(models.TextChoices):
        """What a worker is to do with it."""

        APPLY = "apply", "Import"
        REHEARSE = "rehearse", "Dry run"
        UNDO = "undo", "Undo"

    class Status(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        READY = "ready", "Ready"
        RUNNING = "running", "Running"
        CANCELLING = "cancelling", "Cancelling"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"
        DONE = "done", "Done"

    class Phase(models.TextChoices):
        WAITING = "waiting", "Waiting"
        READING = "reading", "Reading the file"
        PRODUCTS = "products", "Products"
        CUSTOMERS = "customers", "Customers"
        ORDERS = "orders", "Orders"
        FINISHED = "finished", "Finished"

    ACTIVE: Final = (Status.RUNNING, Status.CANCELLING)
    ENDED: Final = (Status.CANCELLED, Status.FAILED, Status.DONE)
    STOPPED: Final = (Status.CANCELLED, Status.FAILED)
    UNSTARTED: Final = (Status.UPLOADED, Status.READY)

    kind = models.CharField(max_length=20, choices=Kind, default=Kind.ORDER_LINES)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.APPLY, db_default=Mode.APPLY)
    status = models.CharField(max_length=12, choices=Status, default=Status.UPLOADED)
    phase = models.CharField(max_length=12, choices=Phase, default=Phase.WAITING)
    error = models.TextField(blank=True, default="")
    created_by = models.CharField(max_length=200)

    file_name = models.CharField(max_length=200)
    file_path = models.CharField(max_length=200)
    file_size = models.BigIntegerField()
    file_sha256 = models.CharField(max_length=64)
    columns = models.JSONField(default=list)
    sample = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)

    rows_read = models.BigIntegerField(default=0)
    rows_imported = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)
    rows_already_there = models.BigIntegerField(default=0)
    products_created = models.BigIntegerField(default=0)
    products_changed = models.BigIntegerField(default=0, db_default=0)
    customers_created = models.BigIntegerField(default=0)
    customers_changed = models.BigIntegerField(default=0, db_default=0)
    orders_created = models.BigIntegerField(default=0)
    cancellations_created = models.BigIntegerField(default=0)
    orders_skipped = models.BigIntegerField(default=0)

    records_undone = models.BigIntegerField(default=0, db_default=0)
    records_kept = models.BigIntegerField(default=0, db_default=0)

    bytes_read = models.BigIntegerField(default=0)
    staged_line = models.BigIntegerField(default=0)
    applied_line = models.BigIntegerField(default=0)
    undone_line = models.BigIntegerField(default=0, db_default=0)
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.IntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seconds_working = models.FloatField(default=0)

    objects = ImportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["order_lines", "products", "customers"]),
                name="imports_import_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["apply", "rehearse", "undo"]), name="imports_import_mode_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["uploaded", "ready", "running", "cancelling", "cancelled", "failed", "done"]
                ),
                name="imports_import_status_known",
            ),
            models.CheckConstraint(
                condition=Q(phase__in=["waiting", "reading", "products", "customers", "orders", "finished"]),
                name="imports_import_phase_known",
            ),
            # No row of a file may vanish: each one was imported, rejected with a reason, or there before.
            models.CheckConstraint(
                condition=~Q(status="done")
                | Q(rows_read=F("rows_imported") + F("rows_rejected") + F("rows_already_there")),
                name="imports_import_counts_add_up",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="imports_import_created"),
            models.Index(fields=["-updated_at", "-id"], name="imports_import_updated"),
            models.Index(
                fields=["heartbeat_at"],
                name="imports_import_unfinished",
                condition=Q(status__in=["running", "cancelling"]),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_active(self) -> bool:
        """Whether a worker has it in hand, or should have."""
        return self.status in self.ACTIVE

    @property
    def is_startable(self) -> bool:
        return self.status == self.Status.READY

    @property
    def is_configurable(self) -> bool:
        return self.status in self.UNSTARTED

    @property
    def is_cancellable(self) -> bool:
        return self.status in {self.Status.RUNNING, *self.UNSTARTED}

    @property
    def is_resumable(self) -> bool:
        return self.status in self.STOPPED and not self.missing and self.undone_at is None

    @property
    def is_of_records(self) -> bool:
        """Whether a row is a record with a key, and not a line of an order."""
        return self.kind != self.Kind.ORDER_LINES

    @property
    def is_of_customers(self) -> bool:
        return self.kind == self.Kind.CUSTOMERS

    @property
    def is_rehearsal(self) -> bool:
        return self.mode == self.Mode.REHEARSE

    @property
    def is_undoable(self) -> bool:
        """Whether something of it came in that can be taken back."""
        came_in = self.rows_imported > 0 and self.mode == self.Mode.APPLY
        return self.status in self.ENDED and came_in and self.undone_at is None

    @property
    def is_deletable(self) -> bool:
        return not self.is_active

    def is_claimable(self, now: datetime) -> bool:
        """Whether a worker may take it: active, and in nobody's hands or in those of a dead worker."""
        alive = self.heartbeat_at is not None and self.heartbeat_at >= now - STALE_AFTER
        return self.is_active and not (self.lease and alive)

    @property
    def missing(self) -> list[str]:
        """Required fields without a column, and options without which the file cannot be understood."""
        unknown = [] if self.options.get("date_order") else ["date_order"]
        return missing_fields(self.mapping, self.kind) + unknown

    @property
    def rows_handled(self) -> int:
        """Rows whose fate is settled."""
        return self.rows_imported + self.rows_rejected + self.rows_already_there

    @property
    def progress(self) -> float:
        """The share of the work done, from 0 to 1."""
        if self.status == self.Status.DONE:
            return 1.0
        reading = min(self.bytes_read / self.file_size, 1.0) if self.file_size else 0.0
        if self.mode == self.Mode.UNDO:
            return min(self.undone_line / self.staged_line, 1.0) if self.staged_line else 0.0
        if self.is_of_records or self.is_rehearsal:
            return reading
        if self.phase in {self.Phase.WAITING, self.Phase.READING}:
            return READING_SHARE * reading
        accepted = self.rows_read - self.rows_rejected
        applied = (self.rows_imported + self.rows_already_there) / accepted if accepted else 1.0
        started = self.phase in {self.Phase.ORDERS, self.Phase.FINISHED} or applied > 0
        catalogue = CATALOGUE_SHARE if started else 0.0
        return READING_SHARE + catalogue + (1 - READING_SHARE - CATALOGUE_SHARE) * applied

    @property
    def percent(self) -> int:
        """The share of the work done in whole percent; 100 only when all is done."""
        return int(self.progress * 100)

    @property
    def rows_per_second(self) -> int | None:
        """Rows of the file by seconds of work, all phases together."""
        return round(self.rows_read / self.seconds_working) if self.seconds_working > 0 else None

    @property
    def seconds_left(self) -> int | None:
        """An estimate from the work done so far; unknown before there is any."""
        if not self.is_active or self.progress < 0.01:
            return None
        return round(self.seconds_working * (1 - self.progress) / self.progress)

    @property
    def readable_options(self) -> dict[str, str]:
        """How the file is read, without the note of who said so."""
        return {name: value for name, value in self.options.items() if name != "given"}

    @property
    def is_overdue(self) -> bool:
        """Whether its worker has been silent for long; it is taken up again by itself."""
        return self.is_active and self.is_claimable(timezone.now())


class StagedLine(models.Model):
    """A sound row between the file and the order it belongs to. Applying it removes it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Checking this key for each of a file's rows would cost more than writing them; services delete by it.
    job = models.ForeignKey(
        Import, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    line = models.BigIntegerField()
    invoice = models.CharField(max_length=LONGEST_CODE)
    is_cancellation = models.BooleanField()
    sku = models.CharField(max_length=LONGEST_CODE)
    description = models.CharField(max_length=LONGEST_TEXT)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    placed_at = models.DateTimeField()
    customer = models.CharField(max_length=LONGEST_CODE, null=True)
    customer_name = models.CharField(max_length=LONGEST_TEXT)
    country = models.CharField(max_length=LONGEST_COUNTRY)

    class Meta:
        indexes = [models.Index(fields=["job", "invoice"], name="imports_staged_invoice")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.quantity} of {self.sku}"


class RejectedRow(models.Model):
    """A row that could not be imported: where it stands, why, and what it said."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejected_rows", db_index=False)
    line = models.BigIntegerField()
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=300)
    fields = models.JSONField(default=list)

    class Meta:
        ordering = ["line"]
        constraints = [models.UniqueConstraint(fields=["job", "line"], name="imports_rejected_line_unique")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"

    @property
    def reason_label(self) -> str:
        """The reason in words."""
        return Reason(self.reason).label


class ImportedRecord(models.Model):
    """What one row of a file of products or customers did or, in a dry run, would do; undoing an import reads it."""

    class Outcome(models.TextChoices):
        NEW = "new", "New"
        CHANGED = "changed", "Changed"
        SAME = "same", "The same"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="records", db_index=False)
    line = models.BigIntegerField()
    # What the record is known by: an SKU, or an e-mail address in small letters.
    key = models.CharField(max_length=254, db_column="sku")
    outcome = models.CharField(max_length=8, choices=Outcome)
    # No foreign key: records outlive and predecease imports.
    record_id = models.UUIDField(db_column="product_id")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        # Table and columns have the names of the time when products alone were imported like this.
        db_table = "imports_importedproduct"
        ordering = ["line"]
        constraints = [
            models.UniqueConstraint(fields=["job", "line"], name="imports_product_line_unique"),
            models.UniqueConstraint(fields=["job", "key"], name="imports_product_sku_unique"),
            models.CheckConstraint(
                condition=Q(outcome__in=["new", "changed", "same"]), name="imports_product_outcome_known"
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.key} {self.outcome}"

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Field, former and new value of what differs."""
        names = [name for name, value in self.after.items() if self.before.get(name) != value]
        return [(name, self.before.get(name, ""), self.after[name]) for name in names]
