"""How many queries an endpoint costs: a table, and the same for two rows and for fifty."""

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.products.counts import open_count
from tenant_apps.products.models import Image, Location
from tenant_apps.products.services import adjust_stock, create_category
from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.api.calls import Api
from tests.invoices.builders import an_invoice
from tests.orders.builders import a_placed_order
from tests.products.builders import a_location, a_product, a_transfer
from tests.webhooks.builders import a_webhook

pytestmark = pytest.mark.usefixtures("remembering")

# The person is read once, then the rows; a search asks first whether any row has the words; the ledger checks
# that its product exists.
LISTS = {
    "products/?limit=100": 2,
    "products/?limit=100&expand=category&fields=sku,category": 2,
    "products/?limit=100&search=mug&status=active&low=false&ordering=-price&updated_since=2020-01-01T00:00:00Z": 3,
    "categories/?limit=100": 2,
    "products/{product}/images/?limit=100": 3,
    "stock/?limit=100": 3,
    "stock/movements/?limit=100": 2,
    "stock/movements/?limit=100&expand=product,location": 2,
    "stock/transfers/?limit=100": 2,
    "stock/counts/?limit=100&expand=location": 2,
    "locations/?limit=100": 2,
    "products/{product}/movements/?limit=100": 3,
    "customers/?limit=100": 2,
    "customers/?limit=100&tag=vip": 2,
    "customers/{customer}/addresses/?limit=100": 3,
    "customers/{customer}/notes/?limit=100": 3,
    "orders/?limit=100": 2,
    "orders/export/?sheet=lines": 2,
    "products/export/?format=xlsx": 2,
    "invoices/?limit=100": 2,
    "orders/?limit=100&expand=customer": 2,
    "orders/?limit=100&search=ada&status=placed": 2,
    "api-tokens/?limit=100": 2,
    "webhook-endpoints/?limit=100": 2,
    "webhook-deliveries/?limit=100": 2,
}
RECORDS = {
    "me/": 1,
    "customers/{customer}/": 2,
    "customers/{customer}/value/": 3,
    "products/{product}/": 2,
    "stock/{product}/": 3,
    "stock/transfers/{transfer}/": 3,
    "stock/counts/{count}/": 3,
    "orders/{order}/": 5,
    "invoices/{invoice}/": 2,
    "seller/": 2,
}
# On the ordinary way: what makes a request unusual keeps it there.
ORDINARY = {"cookie": "unusual=yes"}
# Once a second a process asks whether the list of tenants has changed.
NOT_COUNTED = ("COMMIT", "SELECT version FROM clients_directoryversion")


def fill(tenant, owner, actor, rows: int) -> dict[str, str]:
    """Make the given number of rows in every list; returns the ids of the first."""
    with unit_of_work(tenant):
        product = a_product(opening_stock=1_000)
        orders, shop = [], a_location()
        transfer = a_transfer(*((a_product(opening_stock=1), 1) for _ in range(rows)), to=shop)
        count = open_count(actor=actor, location=Location.objects.default())
        for number in range(rows):
            category = create_category(actor=actor, name=f"Category {number}")
            Image.objects.create(product=product, position=number, width=1, height=1, size=1)
            a_product(category=category)
            adjust_stock(actor=actor, product=product, delta=1, note="Found")
            a_transfer((product, 1), to=shop)
            open_count(actor=actor, location=shop)
            customer = create_customer(actor=actor, name=f"Ada {number}")
            add_note(actor=actor, customer=customer, text="Rang")
            add_address(actor=actor, customer=customer, line1="Via Po 1", city="Torino", country="IT")
            orders.append(a_placed_order((product, 1), (product, 2), customer=customer))
            invoice = an_invoice(orders[-1])
            a_webhook(f"shop-{number}")
            create_api_token(actor=actor, owner=owner, name=f"Token {number}", scopes=["orders:read"])
    records = {"product": product, "order": orders[0], "customer": customer, "invoice": invoice}
    records |= {"transfer": transfer, "count": count}
    return {name: str(record.pk) for name, record in records.items()}


def queries(api: Api, path: str) -> list[str]:
    """The statements that the path costs, on all connections; but for what is asked anyway."""
    with (
        CaptureQueriesContext(connections["default"]) as ours,
        CaptureQueriesContext(connections["control"]) as shared,
    ):
        answer = api.client.get(f"/api/v1/{path}", headers=ORDINARY)
        answer.getvalue()
    assert answer.status_code == 200, path
    return [query["sql"] for query in (*ours, *shared) if not query["sql"].startswith(NOT_COUNTED)]


@pytest.mark.parametrize("rows", [2, 50])
def test_the_table_of_queries_holds_for_any_number_of_rows(owner_api, acme, owner, actor, rows):
    found = fill(acme, owner, actor, rows)
    owner_api.get("me/")
    table = {path: len(queries(owner_api, path.format(**found))) for path in {**LISTS, **RECORDS}}
    assert table == {**LISTS, **RECORDS}


def test_an_api_token_costs_one_query_as_well(acme, owner, actor):
    with unit_of_work(acme):
        _, secret = create_api_token(actor=actor, owner=owner, name="Shop", scopes=["products:read"])
    program = Api(acme, secret)
    program.get("products/")
    assert len(queries(program, "products/")) == 2
