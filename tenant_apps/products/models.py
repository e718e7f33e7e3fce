"""Categories, products and the ledger of their stock."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Upper
from django.utils import timezone

from tenant_apps.products.stock_models import (
    FIRST_LOCATION,
    Location,
    StockDocument,
    StockDocumentLine,
    StockLevel,
)
from tenants.models import Record, uuid7

__all__ = [
    "Category",
    "Location",
    "Product",
    "StockDocument",
    "StockDocumentLine",
    "StockLevel",
    "StockMovement",
]


class Category(Record):
    """A shelf that products stand on."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, allow_unicode=True, db_index=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="products_category_name_unique"),
            models.UniqueConstraint(fields=["slug"], name="products_category_slug_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="products_category_name_given"),
        ]
        indexes = [models.Index(fields=["-updated_at", "-id"], name="products_category_updated")]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def live(self) -> Self:
        """Products that are not archived."""
        return self.exclude(status=Product.Status.ARCHIVED)

    def active(self) -> Self:
        """Products that can be ordered."""
        return self.filter(status=Product.Status.ACTIVE)

    def low(self) -> Self:
        """Live goods whose available stock has reached their warning level."""
        return self.live().filter(low_since__isnull=False)


class Product(Record):
    """Something a tenant sells. Stock columns are totals of its movements; only stock services write them."""

    class Kind(models.TextChoices):
        GOODS = "goods", "Goods"
        SERVICE = "service", "Service"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        ARCHIVED = "archived", "Archived"

    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.GOODS)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products", db_index=False
    )
    on_hand = models.IntegerField(default=0, editable=False)
    reserved = models.IntegerField(default=0, editable=False)
    low_stock_at = models.IntegerField(null=True, blank=True)
    # When the available stock fell to the warning level, and when people were written to about it.
    low_since = models.DateTimeField(null=True, blank=True, editable=False)
    low_told_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["sku"], name="products_product_sku_unique"),
            models.CheckConstraint(
                condition=Q(sku=Upper("sku")) & ~Q(sku=""), name="products_product_sku_upper"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="products_product_name_given"),
            models.CheckConstraint(condition=Q(price__gte=0), name="products_product_price_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="products_product_currency_iso"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["goods", "service"]), name="products_product_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "active", "archived"]), name="products_product_status_known"
            ),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="products_product_reserved_positive"),
            models.CheckConstraint(
                condition=Q(on_hand__gte=F("reserved")), name="products_product_not_oversold"
            ),
            models.CheckConstraint(
                condition=Q(kind="goods") | Q(on_hand=0, reserved=0),
                name="products_product_service_unstocked",
            ),
            models.CheckConstraint(
                condition=Q(low_stock_at__isnull=True) | Q(low_stock_at__gte=0, kind="goods"),
                name="products_product_low_stock_valid",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="products_product_created"),
            models.Index(fields=["status", "-created_at", "-id"], name="products_product_status"),
            models.Index(fields=["category", "-created_at", "-id"], name="products_product_category"),
            models.Index(fields=["-updated_at", "-id"], name="products_product_updated"),
            models.Index(fields=["name", "id"], name="products_product_name"),
            models.Index(
                fields=["low_since", "id"], name="products_product_low", condition=Q(low_since__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def available(self) -> int:
        """What can still be promised to a buyer."""
        return self.on_hand - self.reserved

    @property
    def is_stocked(self) -> bool:
        return self.kind == self.Kind.GOODS

    @property
    def is_sellable(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def is_live(self) -> bool:
        return self.status != self.Status.ARCHIVED

    @property
    def is_low(self) -> bool:
        return self.low_stock_at is not None and self.available <= self.low_stock_at


class StockMovementQuerySet(models.QuerySet["StockMovement"]):
    def of(self, product: Product) -> Self:
        """The ledger of one product, newest first."""
        return self.filter(product=product).order_by("-at", "-id")

    def caused_by(self, source: str) -> Self:
        """What one order (`order:1042`) or import did to the stock."""
        return self.filter(source=source)


class StockMovement(models.Model):
    """One line of the stock ledger, never changed or deleted. A product's lines add up to its stock."""

    class Reason(models.TextChoices):
        RECEIPT = "receipt", "Receipt"
        ADJUSTMENT = "adjustment", "Adjustment"
        RESERVATION = "reservation", "Reservation"
        RELEASE = "release", "Release"
        FULFILMENT = "fulfilment", "Fulfilment"
        RETURN = "return", "Return"
        TRANSFER = "transfer", "Transfer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements", db_index=False)
    # Null for the database only while a fleet is migrated; a constraint holds that there is one.
    location: models.ForeignKey[Location | None, Location | None] = models.ForeignKey(
        Location,
        on_delete=models.PROTECT,
        related_name="movements",
        null=True,
        db_default=models.Value(FIRST_LOCATION),
        db_index=False,
    )
    reason = models.CharField(max_length=12, choices=Reason)
    on_hand_change = models.IntegerField(default=0)
    reserved_change = models.IntegerField(default=0)
    note = models.CharField(max_length=500, blank=True, default="")
    source = models.CharField(max_length=100, blank=True, default="")
    actor_label = models.CharField(max_length=254)
    at = models.DateTimeField(default=timezone.now)

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    reason__in=[
                        "receipt",
                        "adjustment",
                        "reservation",
                        "release",
                        "fulfilment",
                        "return",
                        "transfer",
                    ]
                ),
                name="products_movement_reason_known",
            ),
            models.CheckConstraint(
                condition=Q(location__isnull=False), name="products_movement_location_given"
            ),
            # A stock count that confirms the books changes nothing and is still worth a line.
            models.CheckConstraint(
                condition=~Q(on_hand_change=0, reserved_change=0) | Q(reason="adjustment"),
                name="products_movement_moves",
            ),
        ]
        indexes = [
            models.Index(fields=["product", "-at", "-id"], name="products_movement_product"),
            models.Index(fields=["location", "-at", "-id"], name="products_movement_location"),
            models.Index(fields=["-at", "-id"], name="products_movement_at"),
            models.Index(fields=["source"], name="products_movement_source", condition=~Q(source="")),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.on_hand_change:+d} on hand, {self.reserved_change:+d} reserved"
