"""Rollups: days that are added up already. Everything in them can be computed anew from the orders."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Q

from tenants.models import uuid7

STAND_ID: Final = UUID(int=1)


class SalesDay(models.Model):
    """One day of the tenant's calendar in one currency. A credit for goods given back counts on its own day."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField()
    currency = models.CharField(max_length=3)
    orders = models.IntegerField()
    gross = models.DecimalField(max_digits=16, decimal_places=2)
    credits = models.DecimalField(max_digits=16, decimal_places=2)
    refunded = models.DecimalField(max_digits=16, decimal_places=2)
    tax = models.DecimalField(max_digits=16, decimal_places=2)

    class Meta:
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "day"], name="reports_salesday_day_unique"),
            models.CheckConstraint(condition=Q(orders__gte=0), name="reports_salesday_orders_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.currency}"


class Stand(models.Model):
    """How far the rollups go: orders that changed later are read themselves. One row."""

    id = models.UUIDField(primary_key=True, default=STAND_ID, editable=False)
    through = models.DateTimeField()
    time_zone = models.CharField(max_length=60)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=STAND_ID), name="reports_stand_single")]

    def __str__(self) -> str:
        return f"Rolled up through {self.through}"
