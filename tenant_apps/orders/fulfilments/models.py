"""Deliveries and returns of orders."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenant_apps.products.models import Location
from tenants.models import Record, uuid7


class Fulfilment(Record):
    """Goods of one order that left together, or came back together."""

    class Direction(models.TextChoices):
        OUT = "out", "Delivery"
        RETURN = "return", "Return"

    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="fulfilments", db_index=False
    )
    direction = models.CharField(max_length=6, choices=Direction)
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    carrier = models.CharField(max_length=60, blank=True, default="")
    tracking_number = models.CharField(max_length=100, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    # Whether goods that came back can be sold again.
    restocked = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(direction__in=["out", "return"]), name="orders_fulfilment_direction_known"
            ),
            models.CheckConstraint(
                condition=Q(direction="return") | Q(restocked=False),
                name="orders_fulfilment_restocks_returns",
            ),
        ]
        indexes = [
            models.Index(fields=["order", "created_at", "id"], name="orders_fulfilment_order"),
            models.Index(fields=["-created_at", "-id"], name="orders_fulfilment_created"),
            models.Index(fields=["-updated_at", "-id"], name="orders_fulfilment_updated"),
            models.Index(
                fields=["tracking_number"],
                name="orders_fulfilment_tracking",
                condition=~Q(tracking_number=""),
            ),
        ]

    def __str__(self) -> str:
        return self.get_direction_display()

    @property
    def pieces(self) -> int:
        """How many goods in all."""
        return sum(line.quantity for line in self.lines.all())

    @property
    def is_return(self) -> bool:
        return self.direction == self.Direction.RETURN


class FulfilmentLine(models.Model):
    """How many of one order line left or came back."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="fulfilled", db_index=False
    )
    quantity = models.IntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["fulfilment", "line"], name="orders_fulfilmentline_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="orders_fulfilmentline_positive"),
        ]
        indexes = [models.Index(fields=["line"], name="orders_fulfilmentline_line")]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.line_id}"
