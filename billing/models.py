"""The usage ledger. Private to billing: others write through `billing.usage`."""

from __future__ import annotations

from django.db import models
from django.db.models import Func, Q, TextField
from django.db.models.functions import Now

from tenants.models import uuid7


class CurrentUser(Func):
    """The database role that runs the statement: inside a tenant's transaction, the tenant's role."""

    function = "CURRENT_USER"
    template = "%(function)s"
    arity = 0
    output_field = TextField()


class UsageRecord(models.Model):
    """One measured use, written in the tenant's own transaction; the same key twice is one use."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.TextField(db_default=CurrentUser(), editable=False)
    meter = models.CharField(max_length=60)
    quantity = models.BigIntegerField()
    idempotency_key = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="billing_usage_key_unique"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="billing_usage_quantity_positive"),
            models.CheckConstraint(condition=~Q(meter=""), name="billing_usage_meter_given"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="billing_usage_key_given"),
        ]
        indexes = [models.Index(fields=["tenant", "meter", "occurred_at"], name="billing_usage_meter")]

    def __str__(self) -> str:
        return f"{self.tenant} {self.meter} {self.quantity}"
