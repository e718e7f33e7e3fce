"""How many queries an endpoint costs: a table, and the same for two rows and for twelve."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.usage.ledger import record_calls
from billing.usage.rollups import fold
from shared_apps.domains.models import Claim
from tenant_apps.imports.models import Import
from tenant_apps.invoices.models import InvoiceFile
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.fulfilments.models import Fulfilment
from tenant_apps.orders.payments.models import Payment
from tenant_apps.orders.services import fulfil_order, pay_order
from tenant_apps.orders.taxes.services import create_tax_rule
from tenant_apps.products.bulk import PRODUCTS
from tenant_apps.products.counts import open_count
from tenant_apps.products.models import Image, Location, StockMovement
from tenant_apps.products.services import adjust_stock, create_category
from tenants.api.jobs import start_job
from tenants.api.metering import ApiCall
from tenants.context import unit_of_work
from tenants.models import uuid7
from tenants.users.accounts import create_user
from tenants.users.models import SignIn
from tenants.users.services import create_api_token
from tenants.users.sign_ins import begin_sign_in
from tests.api.calls import BASE, Api
from tests.api.described import described
from tests.billing.contracts import invoiced
from tests.cast import PASSWORD
from tests.invoices.builders import an_invoice
from tests.orders.builders import a_placed_order
from tests.products.builders import a_location, a_product, a_transfer
from tests.webhooks.builders import a_webhook

pytestmark = pytest.mark.usefixtures("remembering")

# The person is read once, then the rows; a search reads first the keys of what has the words; what lies below another
# record asks for that first; a report asks how far its days have been added up.
LISTS = {
    "products/?limit=100": 2,
    "products/?limit=100&expand=category&fields=sku,category": 2,
    "products/?limit=100&search=mug&status=active&low=false&ordering=-price&updated_since=2020-01-01T00:00:00Z": 3,
    "categories/?limit=100": 2,
    "search/?search=customer": 11,
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
    "billing/invoices/?limit=100": 2,
    "invoices/?limit=100": 2,
    "orders/?limit=100&expand=customer": 2,
    "orders/?limit=100&search=ada&status=placed": 3,
    "api-tokens/?limit=100": 2,
    "webhook-endpoints/?limit=100": 2,
    "webhook-deliveries/?limit=100": 2,
    "customers/export/": 2,
    "domains/?limit=100": 2,
    "fulfilments/?limit=100": 3,
    "imports/?limit=100": 2,
    "jobs/?limit=100": 2,
    "payments/?limit=100": 2,
    "people/?limit=100": 2,
    "sign-ins/?limit=100": 2,
    "stock/export/": 2,
    "stock/movements/export/": 2,
    "tax-rules/?limit=100": 2,
}
RECORDS = {
    "me/": 1,
    "customers/{customer}/": 2,
    "customers/{customer}/value/": 3,
    "products/{product}/": 2,
    "stock/{product}/": 3,
    "stock/transfers/{transfer}/": 3,
    "stock/counts/{count}/": 3,
    "orders/{order}/": 6,
    "billing/invoices/{bill}/": 2,
    "billing/next-invoice/": 6,
    "billing/subscription/": 5,
    "invoices/{invoice}/": 2,
    "seller/": 2,
    "workspace/": 1,
    "api-tokens/{token}/": 2,
    "billing/what-if/": 2,
    "billing/entitlements/": 6,
    "categories/{category}/": 2,
    "customers/{customer}/addresses/{address}/": 3,
    "customers/{customer}/notes/{note}/": 3,
    "domains/{domain}/": 2,
    "fulfilments/{fulfilment}/": 3,
    "imports/{import}/": 2,
    "imports/{import}/errors/": 3,
    "invoices/{invoice}/download/": 2,
    "jobs/{job}/": 2,
    "locations/{location}/": 2,
    "payments/{payment}/": 2,
    "people/{person}/": 2,
    "products/{product}/images/{image}/": 3,
    "products/{product}/movements/{movement}/": 3,
    "reports/cohorts/": 3,
    "reports/cohorts/csv/": 3,
    "reports/customers/": 3,
    "reports/customers/csv/": 3,
    "reports/products/": 3,
    "reports/products/csv/": 3,
    "reports/sales/": 3,
    "reports/sales/csv/": 3,
    "reports/stock/": 2,
    "reports/stock/csv/": 2,
    "sign-ins/{sign_in}/": 2,
    "stock/movements/{movement}/": 2,
    "tax-rules/{tax_rule}/": 2,
    "tax-settings/": 2,
    "usage/": 4,
    "usage/?meter=api_calls&by=user": 6,
    "usage/summary/": 6,
    "usage/spend-cap/": 2,
    "webhook-deliveries/{delivery}/": 2,
    "webhook-endpoints/{endpoint}/": 2,
}
# On the ordinary way: what makes a request unusual keeps it there.
ORDINARY = {"cookie": "unusual=yes"}
# Once a second a process asks whether the list of tenants has changed.
NOT_COUNTED = ("COMMIT", "SELECT version FROM clients_directoryversion")


def fill(tenant, owner, actor, rows: int) -> dict[str, str]:
    """Make the given number of rows in every list; returns the ids of one in each."""
    with unit_of_work(tenant):
        product = a_product(opening_stock=1_000)
        shop = a_location()
        transfer = a_transfer(*((a_product(opening_stock=1), 1) for _ in range(rows)), to=shop)
        count = open_count(actor=actor, location=Location.objects.default())
        found: dict[str, Any] = {"product": product, "location": shop, "transfer": transfer, "count": count}
        for number in range(rows):
            found |= _goods(actor, product, shop, number) | _sales(actor, product, number)
            found |= _settings(actor, owner, number)
        InvoiceFile.objects.update(state="ready", path="invoices/one.pdf", size=1, sha256="0")
        found |= {"movement": StockMovement.objects.of(product)[0]}
    found["domain"] = _claims(tenant, rows)
    found["bill"] = min((invoiced(tenant, turn) for turn in range(rows)), key=lambda bill: bill.pk)
    record_calls([ApiCall(uuid7(), tenant.schema, timezone.now(), found["token"].pk) for _ in range(rows)])
    fold()
    return {name: str(record.pk) for name, record in found.items()}


def _goods(actor, product, shop, number: int) -> dict[str, Any]:
    category = create_category(actor=actor, name=f"Category {number}")
    image = Image.objects.create(product=product, position=number, width=1, height=1, size=1)
    a_product(category=category)
    adjust_stock(actor=actor, product=product, delta=1, note="Found")
    a_transfer((product, 1), to=shop)
    open_count(actor=actor, location=shop)
    return {"category": category, "image": image}


def _sales(actor, product, number: int) -> dict[str, Any]:
    customer = create_customer(actor=actor, name=f"Ada {number}")
    note = add_note(actor=actor, customer=customer, text="Rang")
    address = add_address(actor=actor, customer=customer, line1="Via Po 1", city="Torino", country="IT")
    order = a_placed_order((product, 1), (product, 2), customer=customer)
    invoice = an_invoice(order)
    order = fulfil_order(actor=actor, order=pay_order(actor=actor, order=order))
    rule = create_tax_rule(actor=actor, name="VAT", rate=Decimal(0), country="DE", region=f"R{number}")
    return {
        "customer": customer,
        "note": note,
        "address": address,
        "order": order,
        "invoice": invoice,
        "tax_rule": rule,
        "payment": Payment.objects.filter(order=order)[0],
        "fulfilment": Fulfilment.objects.filter(order=order)[0],
    }


def _settings(actor, owner, number: int) -> dict[str, Any]:
    delivery = a_webhook(f"shop-{number}")
    token, _ = create_api_token(actor=actor, owner=owner, name=f"Token {number}", scopes=["orders:read"])
    person = create_user(email=f"p{number}@acme.example", password=PASSWORD, role="viewer", actor=actor)
    sign_in = begin_sign_in(user=owner, kind=SignIn.Kind.API, client="curl")
    job = start_job(actor=actor, kind=PRODUCTS.job, parameters={"items": []}, total=0)
    upload = Import.objects.create(file_name="a.csv", file_path="a.csv", file_size=1, status="done")
    return {
        "delivery": delivery,
        "endpoint": delivery.endpoint,
        "token": token,
        "person": person,
        "sign_in": sign_in,
        "job": job,
        "import": upload,
    }


def _claims(tenant, rows: int) -> Claim:
    claims = [Claim(tenant_id=tenant.id, domain=f"shop-{number}.example") for number in range(rows)]
    for claim in claims:
        claim.save()
    return claims[0]


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


def test_every_operation_that_reads_has_its_line():
    paths = described()["paths"]
    read = {plain(path.removeprefix(BASE)) for path, item in paths.items() if "get" in item}
    assert read == {plain(path) for path in {**LISTS, **RECORDS}}, "count what it costs and write it down"


def plain(path: str) -> str:
    """A path without its query, whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path.partition("?")[0])


@pytest.mark.parametrize("rows", [2, 12])
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
