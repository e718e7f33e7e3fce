"""Money that goes back to customers, or that is fought about."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models import uuid7


class MoneyBack(models.Model):
    """A refund, a credit note or a dispute as Stripe has it, beside the invoice that it is about."""

    class Kind(models.TextChoices):
        REFUND = "refund", "Refund"
        CREDIT_NOTE = "credit_note", "Credit note"
        DISPUTE = "dispute", "Dispute"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stripe_id = models.CharField(max_length=100, unique=True)
    tenant = models.TextField()
    kind = models.CharField(max_length=12, choices=Kind)
    # Stripe's id of the invoice, where money belongs to one.
    invoice = models.CharField(max_length=100, blank=True)
    charge = models.CharField(max_length=100, blank=True)
    amount = models.DecimalField(max_digits=16, decimal_places=3)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=40)
    reason = models.CharField(max_length=100, blank=True)
    happened_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-happened_at", "-id"]
        verbose_name_plural = "money back"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["refund", "credit_note", "dispute"]), name="billing_moneyback_kind"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="billing_moneyback_amount"),
        ]
        indexes = [
            models.Index(fields=["-happened_at", "-id"], name="billing_moneyback_happened"),
            models.Index(fields=["tenant", "-happened_at"], name="billing_moneyback_tenant"),
            models.Index(fields=["invoice"], name="billing_moneyback_invoice"),
        ]

    def __str__(self) -> str:
        return self.stripe_id
