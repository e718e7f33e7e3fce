"""Payments and refunds of orders."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from tenants.models import Record


class PaymentQuerySet(models.QuerySet["Payment"]):
    def pending(self) -> Self:
        """Money that is on its way."""
        return self.filter(status=Payment.Status.PENDING)

    def payments(self) -> Self:
        return self.filter(kind=Payment.Kind.PAYMENT)

    def refunds(self) -> Self:
        return self.filter(kind=Payment.Kind.REFUND)


class Payment(Record):
    """Money for an order, in its currency: received, or given back. It may be on its way, arrive or fail."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment"
        REFUND = "refund", "Refund"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    class Method(models.TextChoices):
        BANK_TRANSFER = "bank_transfer", "Bank transfer"
        CARD = "card", "Card"
        CASH = "cash", "Cash"
        CHEQUE = "cheque", "Cheque"
        OTHER = "other", "Other"

    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="payments", db_index=False
    )
    kind = models.CharField(max_length=7, choices=Kind)
    status = models.CharField(max_length=9, choices=Status)
    method = models.CharField(max_length=13, choices=Method, default=Method.OTHER)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    reference = models.CharField(max_length=100, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["payment", "refund"]), name="orders_payment_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(method__in=["bank_transfer", "card", "cash", "cheque", "other"]),
                name="orders_payment_method_known",
            ),
            models.CheckConstraint(
                condition=Q(status="pending", settled_at__isnull=True)
                | Q(status__in=["succeeded", "failed"], settled_at__isnull=False),
                name="orders_payment_settled_or_pending",
            ),
        ]
        indexes = [
            models.Index(fields=["order", "created_at", "id"], name="orders_payment_order"),
            models.Index(fields=["-created_at", "-id"], name="orders_payment_created"),
            models.Index(fields=["-updated_at", "-id"], name="orders_payment_updated"),
            models.Index(fields=["status", "-created_at", "-id"], name="orders_payment_status"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.amount}"

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def is_refund(self) -> bool:
        return self.kind == self.Kind.REFUND
