"""Small makers of documents."""

from typing import Any

from tenant_apps.invoices.models import Invoice, Seller
from tenant_apps.invoices.sellers import update_seller
from tenant_apps.invoices.services import issue_invoice
from tenant_apps.orders.models import Order
from tests.orders.builders import a_placed_order
from tests.products.builders import CLERK


def a_seller(**changes: Any) -> Seller:
    """A seller who has filled the settings in."""
    usual = {"legal_name": "Acme Ltd", "line1": "1 Quay St", "city": "Bristol", "country": "GB"}
    return update_seller(actor=CLERK, **{**usual, **changes})


def an_invoice(order: Order | None = None) -> Invoice:
    """The invoice of an order, or of two mugs; the seller is filled in where nobody has done so."""
    if not Seller.objects.exclude(legal_name="").exists():
        a_seller()
    return issue_invoice(actor=CLERK, order=order or a_placed_order())
