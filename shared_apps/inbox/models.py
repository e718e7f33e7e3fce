"""What Stripe has told: every event once, with the bytes that were signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Self

import orjson
from django.db import models
from django.db.models import Q

from shared_apps.inbox.registry import Event
from tenants.models import Record


class ReceivedEventQuerySet(models.QuerySet["ReceivedEvent"]):
    def waiting(self) -> Self:
        """Events that nobody has finished with."""
        return self.filter(status=ReceivedEvent.Status.WAITING)

    def overdue(self, now: datetime) -> Self:
        """Events whose message was lost, whose worker died, or whose next try has come."""
        return self.waiting().filter(sweep_at__lte=now)

    def dead(self) -> Self:
        """Events that were given up."""
        return self.filter(status=ReceivedEvent.Status.DEAD)


class ReceivedEvent(Record):
    """One event of Stripe's. `created_at` is when it came in, `occurred_at` what Stripe dates it."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        PROCESSED = "processed", "Processed"
        IGNORED = "ignored", "Ignored"
        DEAD = "dead", "Given up"

    class Source(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        # It never came by itself, and was found in Stripe's list.
        LIST = "list", "Stripe's list"

    SETTLED: Final = (Status.PROCESSED, Status.IGNORED, Status.DEAD)

    stripe_id = models.CharField(max_length=255)
    type = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    livemode = models.BooleanField("live")
    is_thin = models.BooleanField("thin")
    object_id = models.CharField(max_length=255, blank=True)
    object_type = models.CharField(max_length=120, blank=True)
    customer = models.CharField(max_length=255, blank=True)
    # The text that was signed, to the byte: JSON is UTF-8.
    body = models.TextField()
    source = models.CharField(max_length=10, choices=Source)

    status = models.CharField(max_length=10, choices=Status)
    tries = models.SmallIntegerField(default=0)
    # While it waits: when the sweeper hands it to a worker again.
    sweep_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    note = models.TextField(blank=True, help_text="why it was ignored, or what the last try failed with")

    objects = ReceivedEventQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "event"
        constraints = [
            models.UniqueConstraint(fields=["stripe_id"], name="inbox_receivedevent_stripe_id_unique"),
            models.CheckConstraint(condition=~Q(stripe_id=""), name="inbox_receivedevent_stripe_id_given"),
            models.CheckConstraint(condition=Q(tries__gte=0), name="inbox_receivedevent_tries"),
            models.CheckConstraint(
                condition=Q(source__in=["webhook", "list"]), name="inbox_receivedevent_source_known"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", sweep_at__isnull=False, settled_at__isnull=True)
                | Q(
                    status__in=["processed", "ignored", "dead"],
                    sweep_at__isnull=True,
                    settled_at__isnull=False,
                ),
                name="inbox_receivedevent_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="inbox_receivedevent_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="inbox_receivedevent_status"),
            models.Index(
                fields=["type", "-created_at", "-id"],
                name="inbox_receivedevent_type",
                # Groups are looked for by how their types begin.
                opclasses=["varchar_pattern_ops", "timestamptz_ops", "uuid_ops"],
            ),
            models.Index(fields=["customer"], name="inbox_receivedevent_customer", condition=~Q(customer="")),
            models.Index(fields=["object_id"], name="inbox_receivedevent_object", condition=~Q(object_id="")),
            models.Index(
                fields=["sweep_at"], name="inbox_receivedevent_sweep", condition=Q(status="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.stripe_id})"

    @property
    def can_be_replayed(self) -> bool:
        """What waits is tried by itself."""
        return self.status in self.SETTLED

    @property
    def document(self) -> dict[str, Any]:
        """The body, read."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    def as_event(self) -> Event:
        """What its handler gets."""
        return Event(
            id=self.stripe_id,
            type=self.type,
            created=self.occurred_at,
            livemode=self.livemode,
            object_id=self.object_id,
            object_type=self.object_type,
            customer=self.customer,
            body=self.document,
        )


class Listing(Record):
    """One look through Stripe's list, and how many events in it had never come."""

    begin = models.DateTimeField("from")
    end = models.DateTimeField("to")
    listed = models.IntegerField()
    found = models.IntegerField("had never come")

    class Meta:
        ordering = ["-end", "-id"]
        verbose_name = "look through Stripe's list"
        verbose_name_plural = "looks through Stripe's list"
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=models.F("begin")), name="inbox_listing_span"),
            models.CheckConstraint(
                condition=Q(found__gte=0, listed__gte=models.F("found")), name="inbox_listing_counts"
            ),
        ]
        indexes = [models.Index(fields=["-end", "-id"], name="inbox_listing_end")]

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m-%d} to {self.end:%Y-%m-%d}"
