"""Categories, products and the ledger of their stock."""

from __future__ import annotations

from typing import Final, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, Upper
from django.utils import timezone

from tenant_apps.products.stock_models import (
    FIRST_LOCATION,
    Location,
    StockDocument,
    StockDocumentLine,
    StockLevel,
)
from tenants.derived import Derived
from tenants.models import Record, uuid7
from tenants.searching import LANGUAGES, PLAIN, search_column

__all__ = [
    "Category",
    "Image",
    "Location",
    "Product",
    "StockDocument",
    "StockDocumentLine",
    "StockLevel",
    "StockMovement",
]

DEEPEST: Final = 5
MOST_OPTIONS: Final = 3


def _holds(sql: str) -> RawSQL:
    """A condition of a CHECK that the ORM has no words for."""
    return RawSQL(sql, (), output_field=models.BooleanField())


class CategoryQuerySet(models.QuerySet["Category"]):
    def within(self, category: UUID) -> Self:
        """A category and all below it."""
        return self.filter(Q(pk=category) | Q(ancestors__contains=[category]))

    def keys_within(self, category: UUID) -> list[UUID]:
        """Their ids, read at once: the planner then knows how many products stand there, and how to find them."""
        return list(self.within(category).order_by().values_list("pk", flat=True))


class Category(Record):
    """A shelf that products stand on; shelves stand in a tree. `ancestors` are the ids from the root to the parent."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, allow_unicode=True, db_index=False)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children", db_index=False
    )
    ancestors = ArrayField(
        models.UUIDField(), default=list, db_default=RawSQL("'{}'::uuid[]", ()), editable=False
    )

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(
                F("parent"), Lower("name"), name="products_category_sibling_unique", nulls_distinct=False
            ),
            models.UniqueConstraint(fields=["slug"], name="products_category_slug_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="products_category_name_given"),
            models.CheckConstraint(
                condition=_holds(f"cardinality(ancestors) < {DEEPEST}"), name="products_category_not_too_deep"
            ),
            models.CheckConstraint(
                condition=_holds("NOT id = ANY (ancestors)"), name="products_category_no_cycle"
            ),
            models.CheckConstraint(
                condition=_holds("parent_id IS NOT DISTINCT FROM ancestors[cardinality(ancestors)]"),
                name="products_category_below_parent",
            ),
        ]
        indexes = [
            models.Index(fields=["-updated_at", "-id"], name="products_category_updated"),
            models.Index(fields=["-created_at", "-id"], name="products_category_created"),
            models.Index(fields=["name", "id"], name="products_category_name"),
            GinIndex(fields=["ancestors"], name="products_category_ancestors"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def depth(self) -> int:
        """1 at the root."""
        return len(self.ancestors) + 1


class ProductQuerySet(models.QuerySet["Product"]):
    def live(self) -> Self:
        """Products that are not archived."""
        return self.exclude(status=Product.Status.ARCHIVED)

    def active(self) -> Self:
        """Products that can be ordered: active, and no parents of variants."""
        return self.sellable().filter(status=Product.Status.ACTIVE)

    def sellable(self) -> Self:
        """Simple products and variants: what has a price and a stock of its own."""
        return self.filter(options__isnull=True)

    def stocked(self) -> Self:
        """Goods that have a stock of their own."""
        return self.sellable().filter(kind=Product.Kind.GOODS)

    def listed(self) -> Self:
        """Simple products and parents: what a catalog shows, its variants left out."""
        return self.filter(parent__isnull=True)

    def variants_of(self, parent: Product) -> Self:
        """The variants of a product, in the order in which they were made."""
        return self.filter(parent=parent).order_by("created_at", "pk")

    def in_category(self, category: UUID) -> Self:
        """Products of a category and of all categories below it."""
        return self.filter(category__in=Category.objects.keys_within(category))

    def low(self) -> Self:
        """Live goods whose available stock has reached their warning level."""
        return self.live().filter(low_since__isnull=False)


class ProductManager(models.Manager["Product"]):
    """Leaves out what only the database reads."""

    def get_queryset(self) -> ProductQuerySet:
        return ProductQuerySet(self.model, using=self._db).defer("search")


class Product(Record):
    """Something a tenant sells. Stock columns are totals of its movements; only stock services write them.

    A product with `options` is a parent: it is shown, and its variants are sold. A variant names its parent and one
    value of each option; what it `inherits` it holds too, as the parent's verbs keep both alike.
    """

    class Kind(models.TextChoices):
        GOODS = "goods", "Goods"
        SERVICE = "service", "Service"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        ARCHIVED = "archived", "Archived"

    class TaxClass(models.TextChoices):
        STANDARD = "standard", "Standard"
        REDUCED = "reduced", "Reduced"
        ZERO = "zero", "Zero-rated"

    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.GOODS)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    tax_class = models.CharField(
        max_length=10, choices=TaxClass, default=TaxClass.STANDARD, db_default=TaxClass.STANDARD
    )
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="products", db_index=False
    )
    on_hand = models.IntegerField(default=0, editable=False)
    reserved = models.IntegerField(default=0, editable=False)
    low_stock_at = models.IntegerField(null=True, blank=True)
    # When the available stock fell to the warning level, and when people were written to about it.
    low_since = models.DateTimeField(null=True, blank=True, editable=False)
    low_told_at = models.DateTimeField(null=True, blank=True, editable=False)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="variants", db_index=False
    )
    options = models.JSONField(null=True, blank=True)
    option_values = models.JSONField(null=True, blank=True)
    inherits = ArrayField(
        models.CharField(max_length=20), default=list, db_default=RawSQL("'{}'::varchar[]", ())
    )
    compare_at_price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    cost_price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, db_default=RawSQL("'{}'::varchar[]", ()))
    metadata = models.JSONField(default=dict, db_default=RawSQL("'{}'::jsonb", ()), blank=True)
    language = models.CharField(max_length=8, default="simple", db_default="simple", editable=False)
    search = search_column(codes=("sku",), names=("name",), texts=("description",))

    # What can still be promised to a buyer.
    available = Derived[int](F("on_hand") - F("reserved"))

    objects = ProductManager.from_queryset(ProductQuerySet)()

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
            models.CheckConstraint(
                condition=Q(tax_class__in=["standard", "reduced", "zero"]),
                name="products_product_tax_class_known",
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
            models.UniqueConstraint(
                fields=["parent", "option_values"],
                condition=Q(parent__isnull=False),
                name="products_product_variant_unique",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True, option_values__isnull=True)
                | Q(parent__isnull=False, option_values__isnull=False, options__isnull=True),
                name="products_product_one_level",
            ),
            models.CheckConstraint(
                condition=_holds(
                    f"options IS NULL OR jsonb_array_length(options) <= {MOST_OPTIONS}"
                    " AND on_hand = 0 AND reserved = 0"
                ),
                name="products_product_parent_unstocked",
            ),
            models.CheckConstraint(
                condition=Q(language__in=[PLAIN, *LANGUAGES]), name="products_product_language_known"
            ),
            models.CheckConstraint(
                condition=Q(compare_at_price__isnull=True) | Q(compare_at_price__gte=0),
                name="products_product_compare_at_positive",
            ),
            models.CheckConstraint(
                condition=Q(cost_price__isnull=True) | Q(cost_price__gte=0),
                name="products_product_cost_positive",
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
            models.Index(fields=["price", "id"], name="products_product_price"),
            GinIndex(fields=["tags"], name="products_product_tags"),
            GinIndex(fields=["search"], name="products_product_search"),
            # Words that nothing is found by may be mistyped, or stand inside a SKU.
            GinIndex(fields=["name", "sku"], opclasses=["gin_trgm_ops"] * 2, name="products_product_typos"),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def is_parent(self) -> bool:
        """Whether its variants are sold instead of it."""
        return self.options is not None

    @property
    def is_variant(self) -> bool:
        return self.parent_id is not None

    @property
    def is_stocked(self) -> bool:
        return self.kind == self.Kind.GOODS and not self.is_parent

    @property
    def is_sellable(self) -> bool:
        return self.status == self.Status.ACTIVE and not self.is_parent

    @property
    def is_reduced(self) -> bool:
        """Whether it is shown beside a higher price."""
        return self.compare_at_price is not None and self.compare_at_price > self.price

    @property
    def is_live(self) -> bool:
        return self.status != self.Status.ARCHIVED

    @property
    def is_low(self) -> bool:
        return self.low_stock_at is not None and self.available <= self.low_stock_at


class Image(Record):
    """A picture of a product. Its files lie in the tenant's folder under its id; the first stands for the product."""

    SIZES = (80, 320, 1280)

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="images", db_index=False)
    position = models.IntegerField()
    alt = models.CharField(max_length=250, blank=True, default="")
    width = models.IntegerField()
    height = models.IntegerField()
    size = models.IntegerField()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "position"],
                name="products_image_position_unique",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=Q(position__gte=0), name="products_image_position_positive"),
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0, size__gt=0), name="products_image_not_empty"
            ),
        ]
        indexes = [models.Index(fields=["-updated_at", "-id"], name="products_image_updated")]

    def __str__(self) -> str:
        return self.alt or f"Image {self.position + 1}"

    @property
    def is_primary(self) -> bool:
        return self.position == 0

    def path(self, size: int | None = None) -> str:
        """Where the file of a size lies; the whole picture without one."""
        return f"products/{self.pk.hex}/{size or 'full'}.webp"

    @property
    def paths(self) -> list[str]:
        """All files of this picture."""
        return [self.path(), *(self.path(size) for size in self.SIZES)]


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

    @property
    def cause(self) -> str:
        """What moved it, as people say it: `Order 144` for `order:144`."""
        kind, _, number = self.source.partition(":")
        return f"{kind.capitalize()} {number}".strip()
