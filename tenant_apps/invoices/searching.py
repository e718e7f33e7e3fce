"""How documents are found: by their codes."""

from django.db.models import QuerySet

from tenant_apps.invoices.models import Invoice
from tenants.finding import MOST_HITS, Finder, register_finder


def search_invoices(rows: QuerySet[Invoice], words: str) -> QuerySet[Invoice]:
    """Documents with this in their code."""
    return rows.filter(code__icontains=words) if words else rows


def _found(words: str) -> QuerySet[Invoice]:
    # Every code has a digit: other words mean something else.
    if not any(letter.isdigit() for letter in words):
        return Invoice.objects.none()
    rows = Invoice.objects.select_related("order__customer").defer("snapshot")
    return search_invoices(rows, words).order_by("-issued_at", "-pk")[:MOST_HITS]


register_finder(
    Finder(
        kind="invoice",
        title="Invoices",
        verb="invoices:read",
        order=40,
        icon="order",
        page="invoices:detail",
        listing="invoices:list",
        resource="invoice-detail",
        find=_found,
        label=lambda invoice: f"{invoice.code} · {invoice.order.customer or 'no customer'}",
        hint=lambda invoice: str(invoice.get_kind_display()),
    )
)
