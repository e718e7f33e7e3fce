"""What people are written about money: each letter once."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models import uuid7


class Letter(models.Model):
    """A letter about something that happened, written in the transaction that learned of it and mailed after it.

    The key names what happened, so that copies of a message write it once. Without a tenant it is for the operators.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    tenant = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    tries = models.IntegerField(db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(key="") & ~Q(kind=""), name="billing_letter_named"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="billing_letter_written"),
            models.Index(fields=["due_at"], name="billing_letter_due", condition=Q(sent_at=None)),
        ]

    def __str__(self) -> str:
        return self.key
