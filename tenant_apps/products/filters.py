"""What the lists of products and stock may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from tenant_apps.products.models import Product, StockMovement
from tenants.api.filters import (
    AmountFilter,
    BooleanFilter,
    ChoiceFilter,
    IdFilter,
    TenantFilterSet,
    TextFilter,
    TimestampFilter,
)


class CategoryFilters(TenantFilterSet):
    """Filters of categories."""

    slug = TextFilter(help_text="Exactly this slug.")


class StockFilters(TenantFilterSet):
    """Filters of stock."""

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


class ProductFilters(StockFilters):
    """Filters of products."""

    kind = ChoiceFilter(choices=Product.Kind.choices)
    price_min = AmountFilter(field_name="price", lookup_expr="gte")
    price_max = AmountFilter(field_name="price", lookup_expr="lte")


class MovementFilters(TenantFilterSet):
    """Filters of the stock ledger."""

    updated_since = TimestampFilter(field_name="at", lookup_expr="gte", help_text="At this time or later.")
    reason = ChoiceFilter(choices=StockMovement.Reason.choices)
    source = TextFilter(help_text="Exactly this source, such as order:1042.")
