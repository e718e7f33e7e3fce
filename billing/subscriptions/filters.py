"""What the list of invoices may be narrowed by."""

from billing.models import StripeInvoice
from tenants.api.filters import ChoiceFilter, TenantFilterSet, TextFilter, TimestampFilter


class StripeInvoiceFilters(TenantFilterSet):
    """Invoices by status and time."""

    status = ChoiceFilter(choices=StripeInvoice.Status.choices)
    number = TextFilter(help_text="Exactly this number.")
    issued_since = TimestampFilter(
        field_name="issued_at", lookup_expr="gte", help_text="Issued at this time or later."
    )
    issued_before = TimestampFilter(
        field_name="issued_at", lookup_expr="lt", help_text="Issued before this time."
    )
    period_since = TimestampFilter(
        field_name="period_end", lookup_expr="gt", help_text="For a period that ends after this time."
    )
    period_before = TimestampFilter(
        field_name="period_start", lookup_expr="lt", help_text="For a period that begins before this time."
    )
