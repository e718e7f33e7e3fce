"""What the page of an order shows of its documents."""

from typing import Any

from django import template

from tenant_apps.invoices.models import Invoice
from tenant_apps.invoices.services import left_to_credit, surplus_of
from tenant_apps.orders.models import Order

register = template.Library()


@register.inclusion_tag("invoices/of_order.html", takes_context=True)
def order_invoices(context: dict[str, Any], order: Order) -> dict[str, Any]:
    """The documents of an order, and the button that issues its invoice."""
    rows = Invoice.objects.filter(order=order).select_related("file").prefetch_related("credit_notes")
    documents = list(rows.defer("snapshot").order_by("issued_at", "pk")) if order.number else []
    invoices = [document for document in documents if not document.is_credit_note]
    surpluses = [(invoice, surplus_of(invoice, order)) for invoice in invoices[-1:]]
    is_placed_sale = order.number and order.kind == order.Kind.SALE and order.status != order.Status.CANCELLED
    return {
        "request": context["request"],
        "user": context["user"],
        "csrf_token": context["csrf_token"],
        "order": order,
        "documents": documents,
        "to_credit": [(invoice, surplus) for invoice, surplus in surpluses if surplus],
        "is_invoiceable": is_placed_sale and not any(left_to_credit(invoice) for invoice in invoices),
    }
