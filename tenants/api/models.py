"""What the API itself keeps for its callers: keys of requests, and work that takes longer than a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from tenants.audit.actors import Actor, Kind
from tenants.models import Record, uuid7

STALE_AFTER: Final = timedelta(seconds=60)


class IdempotencyKey(models.Model):
    """A POST that was done once under a caller's key, with the answer that was given."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    credential = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    # Headers and body, sealed: an answer may hold a secret that is shown once.
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["credential", "key"], name="api_idempotencykey_once"),
            models.CheckConstraint(
                condition=Q(status=None, answer=None) | Q(status__isnull=False, answer__isnull=False),
                name="api_idempotencykey_answered",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="api_idempotencykey_created")]

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    done: int
    total: int

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


class JobQuerySet(models.QuerySet["Job"]):
    def stale(self, now: datetime) -> Self:
        """Unfinished jobs that no worker has touched for a while: it died, or the message was lost."""
        return self.filter(status__in=Job.UNFINISHED, heartbeat_at__lt=now - STALE_AFTER)


class Job(Record):
    """Work that was asked for in one request and is done by a worker."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    UNFINISHED: Final = (Status.QUEUED, Status.RUNNING)

    kind = models.CharField(max_length=40)
    verb = models.CharField(max_length=40)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    parameters = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    problem = models.JSONField(null=True)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.UUIDField(null=True)
    created_by = models.CharField(max_length=254)
    lease = models.UUIDField(null=True, editable=False)
    attempts = models.SmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    # Whether who looks at it may see what came of it; doors that show it say so.
    is_open = False

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "succeeded", "failed"]),
                name="api_job_status_known",
            ),
            models.CheckConstraint(
                condition=Q(done__gte=0, done__lte=F("total")), name="api_job_done_within_total"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at=None)
                | Q(status__in=["succeeded", "failed"], finished_at__isnull=False),
                name="api_job_finished",
            ),
        ]
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="api_job_updated"),
            models.Index(
                fields=["heartbeat_at"],
                name="api_job_unfinished",
                condition=Q(status__in=["queued", "running"]),
            ),
            models.Index(fields=["finished_at"], name="api_job_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"

    @property
    def actor(self) -> Actor:
        """Who asked for it."""
        kind: Kind = self.actor_kind  # type: ignore[assignment]  # written from an actor
        return Actor(kind=kind, id=self.actor_id, label=self.created_by)

    @property
    def progress(self) -> Progress:
        return Progress(self.done, self.total)

    def is_claimable(self, now: datetime) -> bool:
        """Whether a worker may take it: unfinished, and in nobody's hands or in those of a dead worker."""
        return self.status in self.UNFINISHED and (
            self.lease is None or self.heartbeat_at < now - STALE_AFTER
        )
