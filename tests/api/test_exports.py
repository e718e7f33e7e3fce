"""Exports: the rows of the list under the same filters, in its order, as CSV and as XLSX; and nobody else's."""

import csv
import io
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from tenant_apps.orders.customers.services import create_customer
from tenant_apps.products.models import Product
from tenant_apps.products.services import update_product
from tenants import workbooks
from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.api.calls import Api
from tests.orders.builders import a_draft, a_placed_order
from tests.products.builders import CLERK, a_location, a_product, a_service


def fill(tenant, mark: str) -> None:
    """A few rows in every list, some of which the filters of the tests leave out."""
    with unit_of_work(tenant):
        ada = create_customer(actor=CLERK, name=f"Ada {mark}", email="ada@example.com")
        create_customer(actor=CLERK, name="Bob")
        mug = a_product(name=f"Mug {mark}", opening_stock=9, low_stock_at=20, price=Decimal("12.30"))
        a_product(name=f'=HYPERLINK("//evil","{mark}")', status=Product.Status.DRAFT, opening_stock=3)
        a_service()
        a_location()
        a_placed_order((mug, 1), (mug, 2), customer=ada)
        a_placed_order((mug, 1))
        a_draft()


@pytest.fixture
def shops(acme, globex):
    fill(acme, "Acme")
    fill(globex, "Globex")


def cells(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.getvalue()
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def workbook(answer) -> list[list[object]]:
    assert answer.status_code == 200, answer.getvalue()
    book = load_workbook(io.BytesIO(answer.getvalue()), read_only=True)
    return [list(row) for sheet in book for row in sheet.iter_rows(values_only=True)]


LISTS = [
    ("products/", {}),
    ("products/", {"status": "draft"}),
    ("products/", {"search": "mug", "ordering": "-price"}),
    ("products/", {"low": "true", "updated_since": "2020-01-01T00:00:00Z"}),
    ("customers/", {"search": "ada"}),
    ("orders/", {"status": "placed", "ordering": "total"}),
    ("stock/", {"ordering": "-on_hand"}),
    ("stock/movements/", {"reason": "receipt"}),
]


@pytest.mark.usefixtures("shops")
@pytest.mark.parametrize(("path", "query"), LISTS)
def test_an_export_holds_the_rows_of_the_list_in_its_order(owner_api, path, query):
    listed = [row["id"] for row in owner_api.get(path, **query).json()["data"]]
    answer = owner_api.get(f"{path}export/", **query)
    rows = cells(answer)
    assert [row["id"] for row in rows] == listed
    assert "Globex" not in str(rows)
    book = workbook(owner_api.get(f"{path}export/", **query, format="xlsx"))
    assert book[0] == list(rows[0] if rows else book[0])
    assert [row[0] for row in book[1:]] == listed


@pytest.mark.usefixtures("shops")
def test_lines_and_levels_are_rows_of_their_records(owner_api):
    lines = cells(owner_api.get("orders/export/", sheet="lines", status="placed", ordering="total"))
    assert [(row["position"], row["quantity"], row["line_total"]) for row in lines] == [
        ("1", "1", "12.30"),
        ("1", "1", "12.30"),
        ("2", "2", "24.60"),
    ]
    assert [row["customer_name"] for row in lines] == ["", "Ada Acme", "Ada Acme"]
    levels = cells(owner_api.get("stock/export/", sheet="levels", search="mug acme"))
    found = [(row["on_hand"], row["reserved"], row["available"]) for row in levels]
    assert sorted(found) == [("3", "0", "3"), ("9", "4", "5")]


@pytest.mark.usefixtures("shops")
def test_formulas_are_disarmed_and_numbers_stay_numbers(owner_api):
    query = {"search": "HYPERLINK"} | {"status": "draft"}
    [row] = cells(owner_api.get("products/export/", **query))
    assert row["name"].startswith("'=HYPERLINK")
    header, values = workbook(owner_api.get("products/export/", **query, format="xlsx"))
    book = dict(zip(header, values, strict=True))
    assert str(book["name"]).startswith("'=HYPERLINK")
    assert (book["price"], book["on_hand"]) == (9.5, 3)


@pytest.mark.usefixtures("shops")
def test_persons_are_left_out_for_who_may_not_see_them(acme, owner):
    with unit_of_work(acme):
        _, secret = create_api_token(actor=CLERK, owner=owner, name="Books", scopes=["orders:read"])
    [row, *_] = cells(Api(acme, secret).get("orders/export/"))
    assert "customer" in row
    assert "customer_name" not in row


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "pdf"}, "invalid_choice"),
        ({"sheet": "levels"}, "invalid_choice"),
        ({"limit": "5"}, "unknown_parameter"),
        ({"colour": "red"}, "unknown_parameter"),
        ({"status": "lost"}, "invalid_choice"),
    ],
)
def test_what_an_export_does_not_know_is_refused(owner_api, query, code):
    found = owner_api.get("products/export/", **query)
    assert (found.status_code, [each["code"] for each in found.json()["errors"]]) == (422, [code])


def test_what_one_sheet_has_no_room_for_goes_to_the_next(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_ROWS", 3)
    book = b"".join(workbooks.xlsx_pieces(["n"], ([number] for number in range(5))))
    sheets = load_workbook(io.BytesIO(book))
    assert [[cell.value for cell in sheet["A"]] for sheet in sheets] == [["n", 0, 1], ["n", 2, 3], ["n", 4]]


@pytest.mark.usefixtures("shops")
def test_a_page_offers_its_list_as_it_is_filtered(client_of, acme, owner):
    browser = client_of(acme, owner)
    with unit_of_work(acme):
        update_product(actor=CLERK, product=Product.objects.get(name="Mug Acme"), name="Cup & Acme")
    page = browser.get("/products/", {"q": "Cup & Acme", "sort": "-price", "after": "x"}).content.decode()
    address = "?q=Cup+%26+Acme&amp;sort=-price&amp;download=products.csv"
    assert f'href="{address}"' in page
    rows = cells(browser.get("/products/" + address.replace("&amp;", "&")))
    assert [row["name"] for row in rows] == ["Cup & Acme"]
    for path, files in PAGES.items():
        for file in files:
            answer = browser.get(path, {"download": file})
            assert answer["Content-Disposition"] == f'attachment; filename="{file}"', path
            assert answer.getvalue()


PAGES = {
    "/products/": ["products.xlsx"],
    "/customers/": ["customers.csv"],
    "/orders/": ["orders.csv", "lines.xlsx"],
    "/stock/": ["stock.csv", "levels.csv"],
    "/stock/movements/": ["movements.csv"],
}
