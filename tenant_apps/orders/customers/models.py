"""Customers."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenants.models import Record


class Customer(Record):
    """Someone who buys from a tenant. `reference` is the id that another system knows them by."""

    reference = models.CharField(max_length=64, null=True, blank=True)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    country = models.CharField(max_length=60, blank=True, default="")
    note = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["reference"], name="orders_customer_reference_unique"),
            models.CheckConstraint(condition=~Q(reference=""), name="orders_customer_reference_given"),
            models.CheckConstraint(condition=~Q(name=""), name="orders_customer_name_given"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="orders_customer_created"),
            models.Index(fields=["-updated_at", "-id"], name="orders_customer_updated"),
            models.Index(fields=["name", "id"], name="orders_customer_name"),
            models.Index(fields=["email"], name="orders_customer_email", condition=~Q(email="")),
        ]

    def __str__(self) -> str:
        return self.name
