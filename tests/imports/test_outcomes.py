"""Whole imports: what comes out of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import UsageRecord
from tenant_apps.imports.models import Import, RejectedRow, StagedLine
from tenant_apps.imports.rows import Reason
from tenant_apps.imports.running import counts
from tenant_apps.orders.models import Customer, Order, OrderCounter, OrderLine
from tenant_apps.orders.services import take_numbers
from tenant_apps.products.models import Product, StockMovement
from tenants.context import Tenant, unit_of_work
from tests.imports.complete import (
    assert_complete,
)
from tests.imports.conftest import imported
from tests.imports.files import DIRT, Truth, a_csv, a_row, every_reason
from tests.products.builders import a_product

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def shop() -> Iterator[None]:
    """A transaction to look around in, or to prepare something."""
    with transaction.atomic():
        yield


def test_a_dirty_history_comes_in_whole(history: tuple[str, Truth], small_steps: None):
    text, truth = history
    assert_complete(imported(text), truth)


def test_the_same_file_again_changes_nothing(history: tuple[str, Truth], small_steps: None):
    text, truth = history
    imported(text)
    again = imported(text)
    assert counts(again) == {
        **dict.fromkeys(truth.counts(), 0),
        "rows_read": truth.rows,
        "rows_rejected": truth.reasons.total(),
        "rows_already_there": truth.sound,
        "orders_skipped": len(truth.sales) + len(truth.cancellations),
    }
    with transaction.atomic():
        assert Order.objects.count() == OrderCounter.objects.get().last == again.orders_skipped
        assert OrderLine.objects.count() == truth.sound


def test_each_reason_is_given_with_its_line_and_fields():
    job = imported(every_reason())
    assert (job.rows_read, job.rows_imported, job.rows_rejected) == (len(DIRT) + 3, 1, len(DIRT) + 2)
    with transaction.atomic():
        rows = list(job.rejected_rows.all())
    assert [row.reason for row in rows] == [*DIRT, "column_count", "malformed_quotes"]
    assert [row.line for row in rows] == list(range(3, len(DIRT) + 5))
    assert all(row.detail.endswith(".") and row.reason_label for row in rows)
    assert rows[0].fields[2] == "HEART\N{REPLACEMENT CHARACTER}"
    # The other two need a very long line, and an order that is there already; these are of other kinds of files.
    others = {"sku_repeated", "number_invalid", "category_ambiguous", "refused", "changed_since", "in_use"}
    others |= {"email_invalid", "email_repeated"}
    assert set(Reason.values) - others - {row.reason for row in rows} == {"line_too_long", "order_exists"}


def test_an_order_is_written_as_history():
    imported(
        a_csv(a_row(), a_row(StockCode="71053", UnitPrice="3.39", Description="")),
        options={"time_zone": "Asia/Tokyo"},
    )
    with transaction.atomic():
        order = Order.objects.get()
        assert (order.kind, order.status, order.source, order.number) == ("sale", "closed", "import", 1)
        assert (order.external_reference, order.currency, order.total) == ("536365", "GBP", Decimal("35.64"))
        at = {order.placed_at, order.paid_at, order.fulfilled_at, order.closed_at}
        assert [moment.isoformat() for moment in at if moment] == ["2010-11-30T23:26:00+00:00"]
        assert order.customer is not None
        assert (order.customer.reference, order.customer.name, order.customer.country) == (
            "17850",
            "Customer 17850",
            "United Kingdom",
        )
        lines = list(
            order.lines.values_list("position", "sku", "description", "quantity", "unit_price", "total")
        )
        assert lines == [
            (1, "85123A", "WHITE HANGING HEART", 6, Decimal("2.55"), Decimal("15.30")),
            (2, "71053", "71053", 6, Decimal("3.39"), Decimal("20.34")),
        ]


def test_ids_are_time_ordered_in_the_order_of_the_file():
    imported(a_csv(a_row(InvoiceNo="2"), a_row(InvoiceNo="1"), a_row(InvoiceNo="3", StockCode="1")))
    with transaction.atomic():
        for model in (Order, OrderLine, Product, Customer):
            assert all(key.version == 7 for key in model.objects.values_list("pk", flat=True))
        by_id = Order.objects.order_by("id").values_list("external_reference", "number")
        assert list(by_id) == [("2", 1), ("1", 2), ("3", 3)]


def test_an_invoice_that_comes_back_later_is_one_order(small_steps: None):
    others = [a_row(InvoiceNo=str(number)) for number in range(1, 200)]
    imported(a_csv(a_row(), *others, a_row(StockCode="71053")))
    with transaction.atomic():
        assert Order.objects.get(external_reference="536365").lines.count() == 2
        assert Order.objects.count() == 200


def test_a_customer_that_differs_is_noticed_far_away_too(small_steps: None):
    others = [a_row(InvoiceNo=str(number)) for number in range(1, 100)]
    stranger, nobody = a_row(CustomerID="999"), a_row(CustomerID="")
    job = imported(a_csv(nobody, a_row(), *others, stranger, nobody))
    assert (job.rows_imported, job.rows_rejected) == (102, 1)
    with transaction.atomic():
        row = job.rejected_rows.get()
        assert (row.line, row.reason) == (103, "customer_differs")
        order = Order.objects.get(external_reference="536365")
        assert order.customer is not None
        assert (order.customer.reference, order.lines.count()) == ("17850", 3)


def test_one_product_takes_the_first_description_and_the_latest_sales_price():
    imported(
        a_csv(
            a_row(Description=""),
            a_row(InvoiceNo="2", StockCode="85123a", Description="HEART", UnitPrice="2.95"),
            a_row(InvoiceNo="3", Description="HEART, WHITE"),
            a_row(InvoiceNo="4", UnitPrice="3.25"),
            a_row(InvoiceNo="C5", UnitPrice="1.00", Quantity="-1"),
        )
    )
    with transaction.atomic():
        product = Product.objects.get()
        assert (product.sku, product.name, product.price) == ("85123A", "HEART", Decimal("3.25"))
        assert (product.kind, product.status, product.currency) == ("goods", "active", "GBP")
        assert OrderLine.objects.order_by("id").values_list("description", flat=True)[0] == "HEART"


@pytest.mark.parametrize("sku", ["POST", "m", "Bank Charges", "gift_0001_10", "AMAZONFEE"])
def test_charges_are_services(sku: str):
    imported(a_csv(a_row(StockCode=sku), a_row(StockCode="POST123")))
    with transaction.atomic():
        assert Product.objects.get(sku=sku.upper()).kind == "service"
        assert Product.objects.get(sku="POST123").kind == "goods"


def test_products_and_customers_of_the_shop_are_left_as_they_are():
    with transaction.atomic():
        a_product(sku="85123A", name="Our own heart", price=Decimal("9.99"), opening_stock=5)
        Customer.objects.create(reference="17850", name="Ada")
    job = imported(a_csv(a_row(Description="")))
    assert (job.products_created, job.customers_created) == (0, 0)
    with transaction.atomic():
        product = Product.objects.get()
        assert (product.name, product.price, product.on_hand) == ("Our own heart", Decimal("9.99"), 5)
        order = Order.objects.get()
        assert order.customer is not None
        assert order.customer.name == "Ada"
        assert order.lines.get().description == "Our own heart"


def test_history_moves_no_stock_and_is_not_metered(acme: Tenant):
    imported(a_csv(a_row()))
    with transaction.atomic():
        assert not StockMovement.objects.exists()
    assert not UsageRecord.objects.exists()


def test_numbers_go_on_where_the_shop_is():
    with transaction.atomic():
        take_numbers(count=41)
    imported(a_csv(a_row(), a_row(InvoiceNo="2")))
    with transaction.atomic():
        assert list(Order.objects.order_by("number").values_list("number", flat=True)) == [42, 43]


def test_a_part_that_overlaps_adds_only_what_is_new():
    imported(a_csv(a_row(InvoiceNo="1"), a_row(InvoiceNo="2")))
    job = imported(a_csv(a_row(InvoiceNo="2"), a_row(InvoiceNo="3")))
    assert (job.rows_imported, job.rows_already_there, job.orders_created, job.orders_skipped) == (1, 1, 1, 1)


def test_rows_that_an_order_in_the_shop_does_not_hold_are_rejected_not_swallowed():
    imported(a_csv(a_row(), a_row(), a_row(StockCode="71053", UnitPrice="0")))
    mended = [a_row(StockCode="71053", UnitPrice="3.39"), a_row(Quantity="7"), *[a_row()] * 3]
    job = imported(a_csv(*mended, a_row(InvoiceNo="9")), options={"time_zone": "Asia/Tokyo"})
    assert (job.rows_read, job.rows_imported, job.rows_already_there, job.rows_rejected) == (6, 1, 2, 3)
    with transaction.atomic():
        rows = list(job.rejected_rows.all())
        assert [(row.line, row.reason) for row in rows] == [
            (2, "order_exists"),
            (3, "order_exists"),
            (6, "order_exists"),
        ]
        assert Order.objects.get(external_reference="536365").lines.count() == 2
    assert rows[0].fields == [
        "536365",
        "71053",
        "WHITE HANGING HEART",
        "6",
        "2010-11-30 23:26:00+00:00",
        "3.39",
        "17850",
        "United Kingdom",
    ]


def test_rejected_rows_of_a_known_cancellation_keep_their_sign():
    imported(a_csv(a_row(InvoiceNo="C1", Quantity="-1")))
    job = imported(a_csv(a_row(InvoiceNo="C1", Quantity="-2")))
    with transaction.atomic():
        assert job.rejected_rows.get().fields[3] == "-2"


@pytest.mark.parametrize(
    "content",
    [
        a_csv(a_row(Description="CAFÉ £")).encode("cp1252"),
        a_csv(a_row(Description="CAFÉ £")).encode("utf-8-sig"),
        a_csv(a_row(Description="CAFÉ £")).encode("utf-16"),
        a_csv(a_row(Description="CAFÉ £", UnitPrice="2,55"), delimiter=";").encode(),
        a_csv(a_row(Description="CAFÉ £"), delimiter="\t").replace("\n", "\r\n").encode(),
    ],
)
def test_files_come_in_as_spreadsheets_write_them(content: bytes):
    assert imported(content).rows_imported == 1
    with transaction.atomic():
        assert OrderLine.objects.values_list("description", "unit_price").get() == ("CAFÉ £", Decimal("2.55"))


def test_a_broken_byte_costs_its_row_only():
    good = a_csv(*(a_row(InvoiceNo=str(number), Description="CAFÉ") for number in range(1, 9)))
    job = imported(
        good.encode() + a_csv(a_row(Description="CAF?")).splitlines()[1].encode().replace(b"?", b"\xe9")
    )
    assert (job.rows_imported, job.rows_rejected, job.options["encoding"]) == (8, 1, "utf-8-sig")
    with transaction.atomic():
        assert job.rejected_rows.get().reason == "forbidden_character"


def test_a_file_with_a_header_only_is_done_with_nothing():
    job = imported(a_csv())
    assert (job.status, job.rows_read, job.percent) == ("done", 0, 100)


def test_giant_fields_and_lines_are_reported():
    job = imported(a_csv(a_row(Description="X" * 50_000), a_row(Description="X" * 900_000), a_row()))
    assert (job.rows_imported, job.rows_rejected) == (1, 2)
    with transaction.atomic():
        assert list(job.rejected_rows.values_list("line", "reason")) == [
            (2, "text_too_long"),
            (3, "line_too_long"),
        ]
        assert max(len(str(row.fields)) for row in job.rejected_rows.all()) < 3_000


def test_the_neighbour_sees_nothing(globex: Tenant):
    imported(every_reason())
    with unit_of_work_elsewhere(globex):
        for model in (Import, RejectedRow, StagedLine, Order, Product, Customer):
            assert not model.objects.exists()


@contextmanager
def unit_of_work_elsewhere(tenant: Tenant) -> Iterator[None]:
    with unit_of_work(tenant):
        yield
