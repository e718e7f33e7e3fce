"""What documents do when something happens to an order, in the same transaction."""

from __future__ import annotations

from tenant_apps.invoices.models import Invoice, Seller
from tenant_apps.invoices.sellers import seller
from tenant_apps.invoices.services import issue_credit_note, issue_invoice, open_invoice, surplus_of
from tenant_apps.orders.customers.erasing import KEEPERS
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.models import Order
from tenants.audit.listening import Listener, Recorded, listen


def follow_orders() -> None:
    """Issue invoices of orders that reach the status the tenant has chosen; count what erasing leaves."""
    listen("order.paid", _issue_when(Seller.Issuing.WHEN_PAID))
    listen("order.fulfilled", _issue_when(Seller.Issuing.WHEN_FULFILLED))
    listen("order.refunded", _credit)
    KEEPERS["invoices"] = _kept


def _issue_when(issuing: Seller.Issuing) -> Listener:
    def issue(recorded: Recorded) -> None:
        order = recorded.target
        if isinstance(order, Order) and seller().issuing == issuing and open_invoice(order) is None:
            issue_invoice(actor=recorded.actor, order=order)

    return issue


def _credit(recorded: Recorded) -> None:
    """Credit what went back, where documents are issued by themselves; elsewhere the order's page offers it."""
    order = recorded.target
    if not isinstance(order, Order) or seller().issuing == Seller.Issuing.ON_REQUEST:
        return
    invoice = open_invoice(order)
    if invoice is not None and (surplus := surplus_of(invoice, order)):
        issue_credit_note(actor=recorded.actor, invoice=invoice, amount=surplus, reason="Refund")


def _kept(customer: Customer) -> int:
    return Invoice.objects.filter(order__customer=customer).count()
