"""The events that receivers may hear of: which audited verb causes each, and which resource of the API it shows."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.utils.module_loading import import_string

TEST_EVENT: Final = "webhook.test"


@dataclass(frozen=True)
class EventType:
    """One kind of event. `view` is the viewset whose answer to GET is the event's object."""

    name: str
    summary: str
    view: str = ""
    verb: str = ""

    @property
    def caused_by(self) -> str:
        """The verb of the audit log that causes it."""
        return self.verb or self.name

    @property
    def group(self) -> str:
        """What it is about, as people say it."""
        return self.name.partition(".")[0].replace("_", " ").capitalize()

    @cached_property
    def viewset(self) -> Any:
        """The class of the viewset; None for an event that is about no record."""
        return import_string(self.view) if self.view else None

    @property
    def shape(self) -> Any:
        """The serializer of one record as the API shows it."""
        return self.viewset.outputs.get("retrieve", self.viewset.serializer_class)

    def object_of(self, subject_id: Any) -> dict[str, Any] | None:
        """The record as the API shows it now; None once it is gone."""
        if self.viewset is None or subject_id is None:
            return None
        instance = self.viewset.queryset.all().filter(pk=subject_id).first()
        return None if instance is None else dict(self.shape(instance).data)


ORDERS: Final = "tenant_apps.orders.viewsets.OrderViewSet"
CUSTOMERS: Final = "tenant_apps.orders.customers.viewsets.CustomerViewSet"
PRODUCTS: Final = "tenant_apps.products.viewsets.ProductViewSet"
INVOICES: Final = "tenant_apps.invoices.viewsets.InvoiceViewSet"
IMPORTS: Final = "tenant_apps.imports.viewsets.ImportViewSet"

_TYPES: Final = (
    EventType("order.created", "A draft of an order was written down.", ORDERS),
    EventType("order.placed", "An order became binding and got its number.", ORDERS),
    EventType("order.paid", "An order is paid.", ORDERS),
    EventType("order.fulfilled", "The goods of an order have left.", ORDERS),
    EventType("order.partly_fulfilled", "Some of an order's goods have left.", ORDERS),
    EventType("order.refunded", "Money of an order went back.", ORDERS),
    EventType("order.returned", "Goods of an order came back.", ORDERS),
    EventType("order.closed", "An order is finished.", ORDERS),
    EventType("order.cancelled", "An order was called off.", ORDERS),
    EventType("product.created", "A product was added.", PRODUCTS),
    EventType("product.updated", "A product was changed.", PRODUCTS),
    EventType("product.archived", "A product was taken out of sale.", PRODUCTS),
    EventType("product.low_stock", "The available stock of a product reached its warning level.", PRODUCTS),
    EventType("stock.received", "Goods of a product came in.", PRODUCTS),
    EventType("stock.adjusted", "The stock of a product was corrected.", PRODUCTS),
    EventType("customer.created", "A customer was added.", CUSTOMERS),
    EventType("customer.updated", "A customer was changed.", CUSTOMERS),
    EventType("customer.merged", "Two customers became one; the object is the one that stays.", CUSTOMERS),
    EventType("customer.erased", "A person was forgotten; nothing of them is in the object.", CUSTOMERS),
    EventType("invoice.issued", "An invoice got its number.", INVOICES),
    EventType("credit_note.issued", "A credit note got its number.", INVOICES),
    EventType("import.finished", "An import has read and applied its whole file.", IMPORTS),
    EventType("import.failed", "An import stopped at an error.", IMPORTS),
)
CATALOGUE: Final = {kind.name: kind for kind in _TYPES}
TEST: Final = EventType(TEST_EVENT, "Somebody pressed the button that tries an endpoint out.")
# Whoever these are about has a right to be forgotten: bodies and answers that speak of them go as well.
ERASING: Final = ("customer.erased",)


def kind_of(name: str) -> EventType:
    """The type of an event; one that was taken off the catalogue shows no object any more."""
    return CATALOGUE.get(name) or EventType(name, "")
