"""Small makers of products, for every test that needs something to sell."""

from decimal import Decimal
from itertools import count
from typing import Any

from tenant_apps.products.models import Location, Product, StockDocument, StockDocumentLine
from tenant_apps.products.services import create_product
from tenants.audit.actors import Actor

CLERK = Actor(kind="user", id=None, label="clerk@acme.example")

_numbers = count(1)


def a_product(**fields: Any) -> Product:
    """A mug for 9.50, in stock only if the test says so."""
    usual: dict[str, Any] = {"sku": f"MUG-{next(_numbers)}", "name": "Mug", "price": Decimal("9.50")}
    return create_product(actor=CLERK, **usual | fields)


def a_service(**fields: Any) -> Product:
    """Something sold without stock."""
    return a_product(**{"kind": Product.Kind.SERVICE, "name": "Delivery", "price": Decimal("4.90")} | fields)


def some_documents(product: Product) -> None:
    """A second location, two transfers to it and two counts."""
    other = Location.objects.create(code="SHOP", name="Shop")
    for number, kind in enumerate(("transfer", "transfer", "count", "count")):
        document = StockDocument.objects.create(
            kind=kind,
            status="draft" if kind == "transfer" else "open",
            number=f"MAIN-{number}",
            location=Location.objects.default(),
            destination=other if kind == "transfer" else None,
        )
        StockDocumentLine.objects.create(document=document, product=product, expected=1)
