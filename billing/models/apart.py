"""Use that comes too late for Stripe's meters, on its way to the next invoice."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models import uuid7


class LateItem(models.Model):
    """One item of an invoice for use of a period that was invoiced before; the messages it covers point at it.

    It is written before Stripe hears of it. `invoice` is the draft that it was sent for, `stripe_id` what Stripe calls
    it; an item that comes to nothing is never sent.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        INVOICED = "invoiced", "Invoiced"
        NOTHING = "nothing", "Comes to nothing"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.TextField()
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    plan = models.CharField(max_length=40)
    plan_version = models.SmallIntegerField()
    quantities = models.JSONField(default=dict)
    amount = models.DecimalField(max_digits=16, decimal_places=3)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, db_default=Status.WAITING)
    invoice = models.CharField(max_length=100, blank=True)
    stripe_id = models.CharField(max_length=100, blank=True)
    tries = models.IntegerField(db_default=0)
    tried_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_id"], condition=~Q(stripe_id=""), name="billing_lateitem_stripe_unique"
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", stripe_id="")
                | Q(status="invoiced") & ~Q(stripe_id="")
                | Q(status="nothing", amount=0, stripe_id=""),
                name="billing_lateitem_status",
            ),
            models.CheckConstraint(
                condition=Q(period_start__lt=models.F("period_end")), name="billing_lateitem_period"
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_lateitem_made"),
            models.Index(fields=["tenant"], name="billing_lateitem_waiting", condition=Q(status="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.tenant} {self.period_start:%Y-%m-%d} {self.amount} {self.currency}"
