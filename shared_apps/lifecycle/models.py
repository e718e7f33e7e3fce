"""What is being done with whole tenants, and what is left to show of those that are gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from shared_apps.lifecycle.files import archive_folder
from tenants.models import Record, uuid7

# A worker tells of itself every few seconds; one that has been silent for so long is dead.
STALE_AFTER: Final = timedelta(seconds=30)
# A message that was lost is sent again after as long.
UNCLAIMED_AFTER: Final = timedelta(seconds=15)


class OperationQuerySet(models.QuerySet["Operation"]):
    def unfinished(self) -> Self:
        """Operations that somebody has in hand, or should have."""
        return self.filter(status__in=Operation.UNFINISHED)

    def claimable(self, now: datetime) -> Self:
        """Unfinished operations in nobody's hands, or in those of a dead worker."""
        return self.filter(
            Q(status=Operation.Status.WAITING)
            | Q(status=Operation.Status.RUNNING, heartbeat_at__lt=now - STALE_AFTER)
        )

    def overdue(self, now: datetime) -> Self:
        """What the sweep has to send to a worker again."""
        return self.claimable(now).filter(updated_at__lt=now - UNCLAIMED_AFTER)


class Operation(Record):
    """One export, restore, copy or deletion of a tenant, with all that is known of its progress.

    It names tenants by id and label without a foreign key: it outlives them.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", "Export"
        RESTORE = "restore", "Restore"
        COPY = "copy", "Copy as a sandbox"
        DELETE = "delete", "Deletion"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Phase(models.TextChoices):
        BEGINNING = "beginning", "Beginning"
        ROWS = "rows", "Rows"
        # From here on the rows are committed: an operation goes on and is never undone.
        FILES = "files", "Files"
        FINISHED = "finished", "Finished"

    UNFINISHED: Final = (Status.WAITING, Status.RUNNING)

    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.BEGINNING)
    tenant_id = models.UUIDField(null=True, blank=True, help_text="the tenant it is about")
    tenant_label = models.CharField(max_length=120)
    made_id = models.UUIDField(null=True, blank=True, help_text="the tenant that it makes")
    made_schema = models.CharField(max_length=63, blank=True)
    options = models.JSONField(default=dict)
    requested_by = models.CharField(max_length=254)

    at = models.CharField("at work on", max_length=200, blank=True)
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    result = models.JSONField(default=dict)

    file_name = models.CharField(max_length=255, blank=True)
    file_size = models.BigIntegerField(null=True, blank=True)
    file_sha256 = models.CharField("SHA-256", max_length=64, blank=True)

    lease = models.UUIDField(null=True, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempts = models.IntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = OperationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id"],
                condition=Q(status__in=["waiting", "running"]),
                name="lifecycle_operation_one_at_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="lifecycle_operation_created"),
            models.Index(fields=["tenant_id", "-created_at"], name="lifecycle_operation_tenant"),
            models.Index(
                fields=["heartbeat_at"],
                name="lifecycle_operation_open",
                condition=Q(status__in=["waiting", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.tenant_label}"

    @property
    def is_finished(self) -> bool:
        return self.status not in self.UNFINISHED

    @property
    def is_downloadable(self) -> bool:
        """Whether it wrote an archive that is still kept."""
        return self.archive is not None and self.archive.is_file()

    @property
    def archive(self) -> Path | None:
        """Where its archive is, if it has written one."""
        return archive_folder() / self.file_name if self.file_name else None

    @property
    def percent(self) -> int:
        """The share of the rows done; 100 only when all is done."""
        if self.status == self.Status.DONE:
            return 100
        return min(99, self.rows_done * 100 // self.rows_total) if self.rows_total else 0


class DeletionCertificate(models.Model):
    """What went when a tenant was deleted, sealed; the table is append-only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant_id = models.UUIDField(unique=True)
    tenant_label = models.CharField(max_length=120)
    issued_at = models.DateTimeField(default=timezone.now)
    content = models.JSONField()
    seal = models.CharField(max_length=64)

    class Meta:
        ordering = ["-issued_at"]
        indexes = [models.Index(fields=["-issued_at"], name="lifecycle_certificate_issued")]

    def __str__(self) -> str:
        return f"Deletion of {self.tenant_label}"
