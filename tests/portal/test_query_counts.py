"""How many queries a page costs: a table, and the same for two rows and for twelve."""

from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from billing.usage.rollups import fold
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.services import LineInput, create_and_place_order
from tenant_apps.products.counts import open_count
from tenant_apps.products.images import MOST_IMAGES, add_image
from tenant_apps.products.models import Location
from tenant_apps.products.services import adjust_stock, create_category
from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.billing.contracts import invoiced
from tests.invoices.builders import an_invoice
from tests.portal.shop import a_finished_import, an_import
from tests.products.builders import CLERK, a_location, a_product, a_shirt, a_transfer
from tests.products.pictures import a_picture

pytestmark = pytest.mark.usefixtures("remembering")

# The session and the person come first; the list of products reads the categories of its filter.
PAGES = {
    "/": 10,
    "/orders/": 4,
    "/orders/{order}/": 9,
    "/orders/invoices/": 4,
    "/orders/invoices/{invoice}/": 4,
    "/orders/new/": 2,
    "/customers/": 5,
    "/customers/{customer}/": 8,
    "/products/": 6,
    "/products/categories/": 3,
    "/products/{product}/": 6,
    "/products/{shirt}/": 7,
    "/products/{product}/images/": 4,
    "/products/{product}/stock/": 5,
    "/products/options/?q=mug": 4,
    "/stock/": 6,
    "/stock/movements/": 5,
    "/stock/locations/": 4,
    "/stock/locations/{place}/": 5,
    "/stock/transfers/": 4,
    "/stock/transfers/{transfer}/": 5,
    "/stock/counts/": 4,
    "/stock/counts/{count}/": 5,
    "/customers/options/?q=ada": 4,
    "/search/?q=a": 7,
    "/imports/": 4,
    "/imports/{job}/": 5,
    "/imports/{job}/rejected/": 5,
    "/settings/tokens/": 3,
    "/settings/invoices/": 3,
    "/billing/": 8,
    "/billing/plans/": 6,
    "/billing/invoices/": 4,
    "/billing/invoices/{bill}/": 3,
    "/billing/what-if/": 3,
    "/usage/": 8,
    "/usage/cap/": 3,
}


def fill(tenant, owner, rows: int) -> dict[str, str]:
    """Make the given number of rows in every list; returns the ids of the last."""
    dirty = "".join(f"5363{number:02},SKU,,many,2010-12-01,2.55,,France\n" for number in range(rows))
    with unit_of_work(tenant):
        product, place = a_product(opening_stock=1_000), a_location()
        transfer = a_transfer(*((a_product(), 1) for _ in range(rows)), to=place)
        shirt = a_shirt(rows)
        for number in range(rows):
            if number < MOST_IMAGES:
                add_image(actor=CLERK, product=product, file=a_picture())
            a_product(category=create_category(actor=CLERK, name=f"Category {number}"))
            adjust_stock(actor=CLERK, product=product, delta=1, note="Found")
            a_transfer((a_product(opening_stock=1), 1), to=place)
            count = open_count(actor=CLERK, location=Location.objects.default())
            customer = create_customer(actor=CLERK, name=f"Ada {number}")
            lines = [LineInput(product.pk, 1), LineInput(product.pk, 2)]
            order = create_and_place_order(actor=CLERK, lines=lines, customer=customer)
            invoice = an_invoice(order)
            create_api_token(actor=CLERK, owner=owner, name=f"Token {number}", scopes=["orders:read"])
    for _ in range(min(rows, 5)):
        an_import(tenant)
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    job = a_finished_import(tenant, text=header + dirty)
    fold()
    records: dict[str, Any] = {"place": place, "transfer": transfer, "count": count}
    records["shirt"] = shirt
    records["bill"] = min((invoiced(tenant, turn) for turn in range(rows)), key=lambda bill: bill.pk)
    records |= {"product": product, "order": order, "customer": customer, "job": job, "invoice": invoice}
    return {name: str(record.pk) for name, record in records.items()}


def queries(browser, path: str) -> list[str]:
    """The statements that a page costs, on all connections; neither the commit is counted nor the
    look at the directory that a process takes once a second.
    """
    with (
        CaptureQueriesContext(connections["default"]) as ours,
        CaptureQueriesContext(connections["control"]) as shared,
    ):
        answer = browser.get(path)
    assert answer.status_code == 200, path
    statements = (query["sql"] for query in (*ours, *shared))
    return [sql for sql in statements if sql != "COMMIT" and "clients_directoryversion" not in sql]


@pytest.mark.parametrize("rows", [2, 12])
def test_the_table_of_queries_holds_for_any_number_of_rows(browser, acme, owner, rows):
    found = fill(acme, owner, rows)
    browser.get("/")
    table = {path: len(queries(browser, path.format(**found))) for path in PAGES}
    assert table == PAGES
