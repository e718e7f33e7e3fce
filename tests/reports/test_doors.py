"""The same figures by the API, on the pages and in files."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import LineInput, create_and_place_order
from tenant_apps.products.services import create_product
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tests.api.calls import Api, errors, signed_in

REPORTS = ("sales", "products", "customers", "cohorts", "stock")


@pytest.fixture
def owner_api(owner: User, acme: Tenant) -> Api:
    return signed_in(owner, acme)


@pytest.fixture
def sold(acme: Tenant, actor: Actor) -> None:
    """One order of today, with names that a spreadsheet might run."""
    with unit_of_work(acme):
        product = create_product(actor=actor, sku="G-1", name="=1+1", price=Decimal("2.50"), opening_stock=9)
        create_and_place_order(
            actor=actor,
            customer=create_customer(actor=actor, name="@buyer"),
            lines=[LineInput(product_id=product.pk, quantity=4)],
            source=Order.Source.API,
        )


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.usefixtures("sold")
def test_api_page_and_file_say_the_same(owner_api: Api, client_of: Any, acme: Tenant, owner: User) -> None:
    report = owner_api.get("reports/sales/", compare="previous").json()
    assert (report["total"]["orders"], report["total"]["net"]) == (1, "10.00")
    assert (len(report["periods"]), report["trend"]) == (30, None)
    assert report["periods"][-1]["sales"]["gross"] == "10.00"
    file = owner_api.get("reports/sales/csv/", compare="previous")
    assert file["Content-Type"].startswith("text/csv")
    header, *lines = rows(file.getvalue())
    assert lines[-1][header.index("net")] == "10.00"
    page = client_of(acme, owner).get("/reports/?compare=previous").content.decode()
    assert "£10.00" in page
    same = client_of(acme, owner).get("/reports/?compare=previous&csv=1").getvalue()
    assert rows(same) == [header, *lines]


@pytest.mark.usefixtures("sold")
def test_names_in_files_are_no_formulas(owner_api: Api) -> None:
    assert rows(owner_api.get("reports/products/csv/").getvalue())[1][2] == "'=1+1"
    assert rows(owner_api.get("reports/customers/csv/").getvalue())[1][1] == "'@buyer"


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_its_page_and_its_file(
    name: str, owner_api: Api, client_of: Any, acme: Tenant, owner: User, sold: None
) -> None:
    assert owner_api.get(f"reports/{name}/").status_code == 200
    browser = client_of(acme, owner)
    address = f"/reports/{'' if name == 'sales' else f'{name}/'}"
    assert browser.get(address).status_code == 200
    assert rows(browser.get(f"{address}?csv=1").getvalue()) == rows(
        owner_api.get(f"reports/{name}/csv/").getvalue()
    )


@pytest.mark.parametrize(
    ("last", "first"),
    [("2026-12-31", "2026-01-01"), ("2026-01-31", "2025-02-01"), ("2024-02-29", "2023-03-01")],
)
def test_cohorts_are_of_twelve_months_in_the_api_too(owner_api: Api, last: str, first: str) -> None:
    assert owner_api.get("reports/cohorts/", to_day=last).json()["span"] == {"first": first, "last": last}


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"from_day": "2026-02-30"}, {"/from_day": "invalid"}),
        ({"from_day": "01.02.2026"}, {"/from_day": "invalid"}),
        ({"from_day": "9999-12-31"}, {"/from_day": "invalid"}),
        ({"from_day": "2026-02-02", "to_day": "2026-02-01"}, {"/from_day": "invalid"}),
        ({"from_day": "1990-01-01", "to_day": "2026-02-01"}, {"/from_day": "invalid"}),
        ({"interval": "hour"}, {"/interval": "invalid_choice"}),
        ({"compare": "nothing"}, {"/compare": "invalid_choice"}),
        ({"limit": "5"}, {"/limit": "unknown_parameter"}),
    ],
)
def test_what_cannot_be_reported_is_named(
    owner_api: Api, query: dict[str, str], wrong: dict[str, str]
) -> None:
    assert errors(owner_api.get("reports/sales/", **query)) == wrong


@pytest.mark.parametrize("limit", ["0", "101", "1e1", "\u0661", "-1", ""])
def test_a_limit_is_a_plain_number(owner_api: Api, limit: str) -> None:
    assert owner_api.get("reports/products/", limit=limit).status_code == 422


def test_a_wrong_span_on_a_page_is_said_and_the_usual_one_is_shown(
    client_of: Any, acme: Tenant, owner: User
) -> None:
    page = client_of(acme, owner).get("/reports/?from_day=2026-02-02&to_day=2026-02-01").content.decode()
    assert "The first day lies after the last one." in page
