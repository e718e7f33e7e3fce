"""What the list of documents may be narrowed by."""

from tenant_apps.invoices.models import Invoice
from tenants.api.filters import (
    ChoiceFilter,
    IdFilter,
    NumberFilter,
    TenantFilterSet,
    TextFilter,
    TimestampFilter,
)


class InvoiceFilters(TenantFilterSet):
    """Filters of invoices and credit notes."""

    kind = ChoiceFilter(choices=Invoice.Kind.choices)
    year = NumberFilter(help_text="The year of the number.")
    code = TextFilter(help_text="Exactly this code, such as INV-2026-0001.")
    order = IdFilter(field_name="order_id", help_text="The id of an order.")
    customer = IdFilter(field_name="order__customer_id", help_text="The id of a customer.")
    invoice = IdFilter(field_name="invoice_id", help_text="Credit notes of this invoice.")
    issued_since = TimestampFilter(
        field_name="issued_at", lookup_expr="gte", help_text="Issued at this time or later."
    )
    issued_before = TimestampFilter(
        field_name="issued_at", lookup_expr="lt", help_text="Issued before this time."
    )
