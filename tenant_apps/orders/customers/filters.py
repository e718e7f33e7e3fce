"""What the list of customers may be narrowed by."""

from tenants.api.filters import TenantFilterSet, TextFilter


class CustomerFilters(TenantFilterSet):
    """Filters of customers."""

    reference = TextFilter(help_text="Exactly this reference.")
    email = TextFilter(lookup_expr="iexact", help_text="Exactly this address, whatever its case.")
    country = TextFilter(help_text="Exactly this country.")
