"""What the list of customers may be narrowed by."""

from typing import Any

from django.db.models import QuerySet

from tenant_apps.orders.customers.models import Address
from tenants.api.filters import BooleanFilter, ChoiceFilter, TenantFilterSet, TextFilter


class TagFilter(TextFilter):
    """Records that carry a tag."""

    def filter(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Narrow to the records with the tag, whatever the case of its letters."""
        return queryset.filter(**{f"{self.field_name}__contains": [value.lower()]}) if value else queryset


class CustomerFilters(TenantFilterSet):
    """Filters of customers."""

    reference = TextFilter(help_text="Exactly this reference.")
    email = TextFilter(lookup_expr="iexact", help_text="Exactly this address, whatever its case.")
    country = TextFilter(help_text="Exactly this country.")
    tag = TagFilter(field_name="tags", help_text="Customers with this tag.")
    erased = BooleanFilter(
        field_name="erased_at",
        lookup_expr="isnull",
        exclude=True,
        help_text="Erased customers, or all others.",
    )


class AddressFilters(TenantFilterSet):
    """Filters of a customer's addresses."""

    kind = ChoiceFilter(choices=Address.Kind.choices)


class NoteFilters(TenantFilterSet):
    """Filters of a customer's notes."""
