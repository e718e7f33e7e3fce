"""Small makers of products, for every test that needs something to sell."""

from decimal import Decimal
from itertools import count
from typing import Any

from tenant_apps.products.counts import enter_counts, open_count
from tenant_apps.products.documents import DocumentLine
from tenant_apps.products.locations import create_location
from tenant_apps.products.models import Location, Product, StockDocument
from tenant_apps.products.services import create_product
from tenant_apps.products.transfers import create_transfer, send_transfer
from tenant_apps.products.variants import generate_variants, set_options
from tenants.audit.actors import Actor

CLERK = Actor(kind="user", id=None, label="clerk@acme.example")

_numbers = count(1)


def a_product(**fields: Any) -> Product:
    """A mug for 9.50, in stock only if the test says so."""
    usual: dict[str, Any] = {"sku": f"MUG-{next(_numbers)}", "name": "Mug", "price": Decimal("9.50")}
    return create_product(actor=CLERK, **usual | fields)


def a_shirt(sizes: int = 2, **fields: Any) -> Product:
    """A product with its variants in a number of sizes."""
    option = {"name": "Size", "values": [f"Size {number}" for number in range(sizes)]}
    shirt = a_product(**{"sku": f"SHIRT-{next(_numbers)}", "name": "Shirt"} | fields)
    generate_variants(actor=CLERK, product=set_options(actor=CLERK, product=shirt, options=[option]))
    return Product.objects.get(pk=shirt.pk)


def a_service(**fields: Any) -> Product:
    """Something sold without stock."""
    return a_product(**{"kind": Product.Kind.SERVICE, "name": "Delivery", "price": Decimal("4.90")} | fields)


def a_location(code: str = "SHOP", name: str = "Shop", **fields: Any) -> Location:
    """A second place for stock."""
    return create_location(actor=CLERK, code=code, name=name, **fields)


def a_transfer(*wanted: tuple[Product, int], to: Location, **fields: Any) -> StockDocument:
    """A draft that leads from the default location to another."""
    lines = [DocumentLine(product.pk, quantity) for product, quantity in wanted]
    return create_transfer(
        actor=CLERK, location=Location.objects.default(), destination=to, lines=lines, **fields
    )


def some_documents(product: Product) -> None:
    """A second location, transfers to it in two states, and two counts."""
    shop = a_location()
    for _ in range(2):
        a_transfer((product, 2), to=shop)
        send_transfer(actor=CLERK, transfer=a_transfer((product, 2), to=shop))
        count = open_count(actor=CLERK, location=Location.objects.default())
    enter_counts(actor=CLERK, count=count, lines=[DocumentLine(product.pk, 3)])
