"""What the lists of products and stock may be narrowed by."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from tenant_apps.products.models import Category, Product
from tenants.api.filters import (
    AmountFilter,
    BooleanFilter,
    ChoiceFilter,
    IdFilter,
    TenantFilterSet,
    TextFilter,
)


class CategoryFilters(TenantFilterSet):
    """Filters of categories."""

    slug = TextFilter(help_text="Exactly this slug.")
    parent = IdFilter(field_name="parent_id", help_text="The categories right below this one.")


class ImageFilters(TenantFilterSet):
    """Filters of pictures."""


class ProductStockFilters(TenantFilterSet):
    """What products and their stock are both filtered by."""

    sku = TextFilter(method="by_sku", help_text="Exactly this SKU, whatever its case.")
    status = ChoiceFilter(choices=Product.Status.choices)
    category = IdFilter(method="by_category", help_text="In this category or in one below it.")
    low = BooleanFilter(method="by_level", help_text="At or below its warning level.")

    def by_sku(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """SKUs are stored in upper case."""
        return queryset.filter(sku=value.upper())

    def by_category(self, queryset: QuerySet[Product], name: str, value: UUID) -> QuerySet[Product]:
        """A category stands for all below it."""
        return queryset.filter(category__in=Category.objects.keys_within(value))

    def by_level(self, queryset: QuerySet[Product], name: str, value: bool) -> QuerySet[Any]:
        """Split the low from the others."""
        low = Product.objects.low().values("pk")
        return queryset.filter(pk__in=low) if value else queryset.exclude(pk__in=low)


class ProductFilters(ProductStockFilters):
    """Filters of products."""

    kind = ChoiceFilter(choices=Product.Kind.choices)
    price_min = AmountFilter(field_name="price", lookup_expr="gte")
    price_max = AmountFilter(field_name="price", lookup_expr="lte")
    tag = TextFilter(method="by_tag", help_text="Has this tag.")
    parent = IdFilter(field_name="parent_id", help_text="The variants of this product.")
    variants = ChoiceFilter(
        method="by_rank",
        choices=[("without", "without"), ("with", "with"), ("only", "only")],
        help_text="Variants are left out unless `parent` or `sku` is given; `with` lists all, `only` nothing else.",
    )

    def by_tag(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Tags are stored in lower case."""
        return queryset.filter(tags__contains=[value.lower()])

    def by_rank(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """Parents and simple products, variants, or all of them."""
        return queryset if value == "with" else queryset.filter(parent__isnull=value == "without")
