"""The usage ledger and what is made of it."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import BigIntegerField, Func, Q, TextField
from django.db.models.functions import Now

from tenants.models import uuid7


class CurrentUser(Func):
    """The database role that runs the statement: inside a tenant's transaction, the tenant's role."""

    function = "CURRENT_USER"
    template = "%(function)s"
    arity = 0
    output_field = TextField()


class CurrentTransaction(Func):
    """The transaction that runs the statement, by a number that never comes again in this cluster."""

    function = "txid_current"
    arity = 0
    output_field = BigIntegerField()


class UsageRecord(models.Model):
    """One measured use, written in the tenant's own transaction; the same key twice in a month is one use.

    The table is partitioned by month (`billing/usage/partitions.py`): the key is unique in each partition, and `id`
    has no index. Rows are found by when they were written (`txid`) and by when they happened.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.TextField(db_default=CurrentUser(), editable=False)
    meter = models.CharField(max_length=60)
    quantity = models.BigIntegerField()
    idempotency_key = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    # A tenant's role may not fill these three. The source is the API token or the person, where it is known.
    source = models.UUIDField(null=True, editable=False)
    txid = models.BigIntegerField(null=True, db_default=CurrentTransaction(), editable=False)
    is_correction = models.BooleanField(db_default=False, editable=False)
    # From which lease of a budget it was spent, where its tenant has one.
    lease = models.UUIDField(null=True, editable=False)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="billing_usage_key_unique"),
            models.CheckConstraint(
                condition=Q(quantity__gte=0) | Q(is_correction=True), name="billing_usage_quantity"
            ),
            models.CheckConstraint(condition=~Q(meter=""), name="billing_usage_meter_given"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="billing_usage_key_given"),
        ]
        indexes = [
            BrinIndex(
                fields=["txid", "occurred_at"],
                name="billing_usage_order",
                pages_per_range=32,
                autosummarize=True,
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.meter} {self.quantity}"


class Rollup(models.Model):
    """What a tenant used of a meter in an hour: recomputed from the ledger, never counted up.

    `revision` says how often the figure was sealed, `sealed_quantity` what it was the last time.
    """

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    tenant = models.TextField()
    meter = models.CharField(max_length=60)
    hour = models.DateTimeField()
    quantity = models.BigIntegerField()
    last_at = models.DateTimeField()
    revision = models.IntegerField(db_default=0)
    sealed_quantity = models.BigIntegerField(null=True)
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-hour", "tenant", "meter"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "meter", "hour"], name="billing_rollup_window_unique"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="billing_rollup_quantity"),
            models.CheckConstraint(
                condition=Q(revision=0, sealed_quantity__isnull=True)
                | Q(revision__gt=0, sealed_quantity__isnull=False),
                name="billing_rollup_sealed",
            ),
        ]
        indexes = [models.Index(fields=["-hour", "tenant", "meter"], name="billing_rollup_hour")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.meter} {self.hour:%Y-%m-%dT%H}"


class Fold(models.Model):
    """One row: how far the ledger has been folded into rollups, and up to which hour these are sealed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    seen = models.TextField(null=True)
    closing = models.DateTimeField(null=True)
    closing_xid = models.BigIntegerField(null=True)
    sealed_until = models.DateTimeField(null=True)
    folded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="billing_fold_single")]


class Export(models.Model):
    """One message to Stripe about a window: written with the revision that it tells of, before anything is sent.

    Identifier and time follow from the window, so that whoever sends it again says the same thing.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        # Nobody pays for it through Stripe: the tenant had no customer there.
        UNBILLED = "unbilled", "Not billed"
        REFUSED = "refused", "Refused"
        UNCLEAR = "unclear", "Unclear"
        # Too old for a meter event: it becomes an item of the next invoice.
        APART = "apart", "Invoiced apart"

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    tenant = models.TextField()
    meter = models.CharField(max_length=60)
    hour = models.DateTimeField()
    revision = models.IntegerField()
    # Of messages that reconciliation adds, which one it is.
    amendment = models.IntegerField(db_default=0)
    value = models.BigIntegerField()
    at = models.DateTimeField("dated")
    # Made of the columns that are unique together.
    identifier = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, db_default=Status.WAITING)
    tries = models.IntegerField(db_default=0)
    first_tried_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="")
    # What it became on an invoice, where it came too late for the meter.
    item = models.ForeignKey(
        "billing.LateItem", null=True, on_delete=models.PROTECT, related_name="exports", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-hour", "tenant", "meter", "-revision", "-amendment"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "hour", "revision", "amendment"],
                name="billing_export_message_unique",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "sent", "unbilled", "refused", "unclear", "apart"]),
                name="billing_export_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", settled_at__isnull=True)
                | ~Q(status="waiting") & Q(settled_at__isnull=False),
                name="billing_export_settled",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-hour", "tenant", "meter", "-revision", "-amendment"], name="billing_export_hour"
            ),
            models.Index(
                fields=["tenant", "meter", "hour", "revision", "amendment"],
                name="billing_export_waiting",
                condition=Q(status="waiting"),
            ),
            models.Index(
                fields=["tenant", "at"], name="billing_export_apart", condition=Q(status="apart", item=None)
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


class Lane(models.Model):
    """A tenant's way to Stripe for one meter: one message at a time, held by a lease, resting after a failure."""

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    tenant = models.TextField()
    meter = models.CharField(max_length=60)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    tries = models.IntegerField(db_default=0)
    retry_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "meter"], name="billing_lane_unique"),
        ]


class Difference(models.Model):
    """An hour of which Stripe has another figure than we have sent."""

    class Kind(models.TextChoices):
        MISSING = "missing", "Missing at Stripe"
        DOUBLE = "double", "Too much at Stripe"
        LATE = "late", "Not there yet"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CORRECTED = "corrected", "Corrected"
        DISMISSED = "dismissed", "Dismissed"
        GONE = "gone", "Gone by itself"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.TextField()
    meter = models.CharField(max_length=60)
    hour = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind)
    expected = models.BigIntegerField()
    found = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=254, blank=True)

    class Meta:
        ordering = ["-found_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "meter", "hour"],
                condition=Q(status="open"),
                name="billing_difference_one_open",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["missing", "double", "late"]), name="billing_difference_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status="open", settled_at__isnull=True)
                | Q(status__in=["corrected", "dismissed", "gone"], settled_at__isnull=False),
                name="billing_difference_settled",
            ),
        ]
        indexes = [
            models.Index(fields=["-found_at", "-id"], name="billing_difference_found"),
            models.Index(fields=["status", "-found_at"], name="billing_difference_status"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.meter} {self.hour:%Y-%m-%dT%H}"
