"""Endpoints of receivers, the outbox of events, and the deliveries of one to the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from tenants.models import Record, uuid7

EVERYTHING: Final = "*"


def everything() -> list[str]:
    """The choice of an endpoint that names no types."""
    return [EVERYTHING]


class EndpointQuerySet(models.QuerySet["Endpoint"]):
    def due(self, now: datetime) -> Self:
        """Endpoints that something waits for and that nobody holds."""
        waiting = Delivery.objects.due(now).filter(endpoint=OuterRef("pk"))
        return self.free(now).filter(Exists(waiting))

    def free(self, now: datetime) -> Self:
        """Endpoints that may be sent to now."""
        unheld = Q(leased_until=None) | Q(leased_until__lte=now)
        rested = Q(retry_at=None) | Q(retry_at__lte=now)
        return self.filter(unheld, rested, state=Endpoint.State.ACTIVE)


class Endpoint(Record):
    """An address that wants to hear of events, its secrets (sealed), and how sending to it goes."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        DISABLED = "disabled", "Switched off"

    url = models.CharField("URL", max_length=2000)
    description = models.CharField(max_length=200, blank=True, default="")
    event_types = ArrayField(models.CharField(max_length=64), default=everything)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    secret = models.TextField(editable=False)
    previous_secret = models.TextField(blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    is_slow = models.BooleanField(default=False, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="webhooks_endpoint_url_given"),
            models.CheckConstraint(
                condition=Q(event_types__len__gt=0), name="webhooks_endpoint_event_types_given"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "paused", "disabled"]), name="webhooks_endpoint_state_known"
            ),
            models.CheckConstraint(condition=~Q(secret=""), name="webhooks_endpoint_secret_given"),
            models.CheckConstraint(
                condition=Q(previous_secret="", previous_secret_until__isnull=True)
                | (~Q(previous_secret="") & Q(previous_secret_until__isnull=False)),
                name="webhooks_endpoint_overlap_ends",
            ),
            models.CheckConstraint(
                condition=Q(lease__isnull=True, leased_until__isnull=True)
                | Q(lease__isnull=False, leased_until__isnull=False),
                name="webhooks_endpoint_lease_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="webhooks_endpoint_created"),
            models.Index(fields=["-updated_at", "-id"], name="webhooks_endpoint_updated"),
        ]

    def __str__(self) -> str:
        return self.shown_url

    @property
    def shown_url(self) -> str:
        """The address without its query, which may hold a token of the receiver's."""
        return self.url.partition("?")[0]

    @property
    def wants_everything(self) -> bool:
        return EVERYTHING in self.event_types

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    @property
    def is_in_trouble(self) -> bool:
        """Whether it may use the slow lane only: its last answer was late or none."""
        return self.is_slow or self.failing_since is not None


class Event(models.Model):
    """Something that happened, written with the change itself. Its body is made when it is sent first, and kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    type = models.CharField(max_length=64)
    subject_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=timezone.now)
    body = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-occurred_at", "-id"]
        indexes = [
            models.Index(fields=["-occurred_at", "-id"], name="webhooks_event_occurred"),
            models.Index(fields=["subject_id"], name="webhooks_event_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"

    @property
    def message_id(self) -> str:
        """The `webhook-id`: the same for every endpoint, attempt and replay."""
        return f"evt_{self.pk.hex}"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> Self:
        """Not sent yet, or not with success."""
        return self.filter(state=Delivery.State.WAITING)

    def aside(self) -> Self:
        """Waiting, but out of the line: tried again by themselves, each at its own time."""
        return self.waiting().filter(retry_at__isnull=False)

    def due(self, now: datetime) -> Self:
        """In the line, or aside and to be tried again."""
        return self.waiting().filter(Q(retry_at=None) | Q(retry_at__lte=now))

    def in_turn(self) -> Self:
        """In the order in which an endpoint gets them."""
        return self.order_by("queued_at", "id")


class Delivery(models.Model):
    """One event on its way to one endpoint, with what came of each attempt."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    tries = models.SmallIntegerField(default=0)
    status_code = models.SmallIntegerField(null=True)
    attempts = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # The database's clock at the statement: a change that had to wait for another one's lock is always later.
    queued_at = models.DateTimeField(db_default=Now())
    retry_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When it is tried again by itself, while later events go on; null in the line.",
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="webhooks_delivery_once"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "delivered", "failed"]),
                name="webhooks_delivery_state_known",
            ),
            models.CheckConstraint(condition=Q(tries__gte=0), name="webhooks_delivery_tries_positive"),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "queued_at", "id"],
                name="webhooks_delivery_turn",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["-created_at", "-id"], name="webhooks_delivery_created"),
            models.Index(fields=["-updated_at", "-id"], name="webhooks_delivery_updated"),
            models.Index(fields=["endpoint", "-created_at", "-id"], name="webhooks_delivery_endpoint"),
            models.Index(fields=["state", "-created_at", "-id"], name="webhooks_delivery_state"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"

    @property
    def can_be_replayed(self) -> bool:
        """Whether there is anything to ask for: what is in the line is sent by itself."""
        return self.state != self.State.WAITING or self.retry_at is not None

    @property
    def next_try_at(self) -> datetime | None:
        """When it is tried again, as far as that is known: alone, or with the whole line."""
        if self.state != self.State.WAITING:
            return None
        return self.retry_at or (self.endpoint.retry_at if self.tries else None)

    @property
    def last_attempt(self) -> dict[str, Any] | None:
        """The newest attempt, if there was one."""
        return self.attempts[-1] if self.attempts else None
