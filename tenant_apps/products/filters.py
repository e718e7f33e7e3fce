"""What the lists of products and stock may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from tenant_apps.products.models import Product
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


class ProductStockFilters(TenantFilterSet):
    """What products and their stock are both filtered by."""

    sku = TextFilter(method="by_sku", help_text="Exactly this SKU, whatever its case.")
    status = ChoiceFilter(choices=Product.Status.choices)
    category = IdFilter(field_name="category_id", help_text="The id of a category.")
    low = BooleanFilter(method="by_level", help_text="At or below its warning level.")

    def by_sku(self, queryset: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        """SKUs are stored in upper case."""
        return queryset.filter(sku=value.upper())

    def by_level(self, queryset: QuerySet[Product], name: str, value: bool) -> QuerySet[Any]:
        """Split the low from the others."""
        low = Product.objects.low().values("pk")
        return queryset.filter(pk__in=low) if value else queryset.exclude(pk__in=low)


class ProductFilters(ProductStockFilters):
    """Filters of products."""

    kind = ChoiceFilter(choices=Product.Kind.choices)
    price_min = AmountFilter(field_name="price", lookup_expr="gte")
    price_max = AmountFilter(field_name="price", lookup_expr="lte")
