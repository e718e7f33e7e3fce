"""What the lists of locations, stock, movements and documents may be narrowed by."""

from typing import Any

from django.db.models import Q, QuerySet

from tenant_apps.products.filters import ProductStockFilters
from tenant_apps.products.models import Location, StockDocument, StockMovement
from tenants.api.filters import (
    BooleanFilter,
    ChoiceFilter,
    IdFilter,
    TenantFilterSet,
    TextFilter,
    TimestampFilter,
)


class LocationFilters(TenantFilterSet):
    """Filters of locations."""

    code = TextFilter(method="by_code", help_text="Exactly this code, whatever its case.")
    archived = BooleanFilter(method="by_state", help_text="Archived or in use; both without.")

    def by_code(self, queryset: QuerySet[Location], name: str, value: str) -> QuerySet[Location]:
        """Codes are stored in upper case."""
        return queryset.filter(code=value.upper())

    def by_state(self, queryset: QuerySet[Location], name: str, value: bool) -> QuerySet[Location]:
        """Split the archived from the others."""
        return queryset.filter(archived_at__isnull=not value)


class StockFilters(ProductStockFilters):
    """Filters of stock."""

    location = IdFilter(field_name="levels__location_id", help_text="Has or had stock at this location.")


class MovementFilters(TenantFilterSet):
    """Filters of the stock ledger of a product."""

    updated_since = TimestampFilter(field_name="at", lookup_expr="gte", help_text="At this time or later.")
    reason = ChoiceFilter(choices=StockMovement.Reason.choices)
    source = TextFilter(help_text="Exactly this source, such as order:1042 or transfer:MAIN-7.")
    location = IdFilter(field_name="location_id", help_text="The id of a location.")


class StockMovementFilters(MovementFilters):
    """Filters of the stock ledger of all products."""

    product = IdFilter(field_name="product_id", help_text="The id of a product.")


class DocumentFilters(TenantFilterSet):
    """Filters of transfers and counts."""

    status = ChoiceFilter(choices=StockDocument.Status.choices)
    location = IdFilter(method="by_place", help_text="Begins or ends at this location.")

    def by_place(self, queryset: QuerySet[StockDocument], name: str, value: Any) -> QuerySet[StockDocument]:
        """Both ends of a transfer count."""
        return queryset.filter(Q(location_id=value) | Q(destination_id=value))
