"""Files of products: tried, put in by SKU, reported, remembered and taken back."""

import csv
import io
from decimal import Decimal
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.db import transaction
from openpyxl import Workbook

from tenant_apps.imports import undoing, upserts
from tenant_apps.imports.errors import InvalidMapping, NotACsv
from tenant_apps.imports.models import Import
from tenant_apps.imports.reports import rejected_csv
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import configure_import, rehearse_import, start_import, undo_import
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import update_order
from tenant_apps.products.models import Product
from tenant_apps.products.services import receive_stock, update_product
from tests.imports.conftest import CLERK, fresh, imported, upload
from tests.imports.files import a_csv, a_row
from tests.products.builders import a_product

pytestmark = pytest.mark.usefixtures("in_acme")

FILE = """\
Article,Title,Price,Category,Tags,Description
cup,Cup,"4,50",Kitchen,"red, blue",'=not a formula
MUG-1,Mug,"12,00",kitchen,,
SAME,Same,"1,00",,,
CUP,Cup again,"5,00",,,
BAD,Bad,gratis,,,
FREE,,"2,00",,,
MINUS,Minus,"-1,00",,,
"""
MAPPING = {"sku": "Article", "name": "Title", "price": "Price", "category": "Category", "tags": "Tags"} | {
    "description": "Description"
}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(upserts, "CHUNK_RECORDS", 2)
    monkeypatch.setattr(undoing, "CHUNK", 1)


@pytest.fixture
def shelf(in_acme):
    with transaction.atomic():
        a_product(sku="MUG-1", name="Old mug", price=Decimal("9.00"), description="Kept")
        a_product(sku="SAME", name="Same", price=Decimal("1.00"))


def bring(content, **options) -> Import:
    return imported(content, **{"kind": "products", "mapping": MAPPING, "name": "products.csv", **options})


def moved(verb, job: Import) -> Import:
    with transaction.atomic():
        verb(actor=CLERK, job=job)
    run_import(job.pk)
    return fresh(job)


def stock_of_products() -> dict[str, tuple[str, str]]:
    with transaction.atomic():
        return {p.sku: (p.name, str(p.price)) for p in Product.objects.order_by("sku")}


def rejected(job: Import) -> list[list[str]]:
    with transaction.atomic():
        text = b"".join(rejected_csv(job)).decode("utf-8-sig")
    return [row[:2] for row in csv.reader(io.StringIO(text, newline=""))][1:]


def counted(job: Import) -> tuple[int, ...]:
    return (
        job.rows_read,
        job.products_created,
        job.products_changed,
        job.rows_already_there,
        job.rows_rejected,
    )


REJECTED = [["5", "sku_repeated"], ["6", "price_invalid"], ["7", "refused"], ["8", "refused"]]


@pytest.mark.usefixtures("shelf")
def test_a_dry_run_says_what_the_import_then_does():
    before = stock_of_products()
    job = moved(rehearse_import, upload(FILE, kind="products", mapping=MAPPING, start=False))
    assert (job.status, job.error, stock_of_products()) == ("ready", "", before)
    assert counted(job) == (7, 1, 1, 1, 4)
    assert rejected(job) == REJECTED
    done = moved(start_import, job)
    assert (done.status, done.error) == ("done", "")
    assert counted(done) == (7, 1, 1, 1, 4)
    assert rejected(done) == REJECTED
    assert stock_of_products() == {
        "CUP": ("Cup", "4.50"),
        "MUG-1": ("Mug", "12.00"),
        "SAME": ("Same", "1.00"),
    }
    with transaction.atomic():
        cup, mug = Product.objects.select_related("category").filter(sku__in=["CUP", "MUG-1"]).order_by("sku")
        assert (cup.tags, cup.description, cup.category) == (["red", "blue"], "=not a formula", mug.category)
        assert mug.description == "Kept"
    again = bring(FILE)
    assert counted(again) == (7, 0, 0, 3, 4)


@pytest.mark.usefixtures("shelf")
def test_undoing_takes_back_what_nobody_has_touched_since():
    before = stock_of_products()
    job = bring(
        "sku,name,price\nMUG-1,Mug,12.00\nNEW,New,1.00\nSOLD,Sold,2.00\nSAME,Other,1.00\n", mapping=None
    )
    with transaction.atomic():
        receive_stock(actor=CLERK, product=Product.objects.get(sku="SOLD"), quantity=1)
        update_product(actor=CLERK, product=Product.objects.get(sku="SAME"), name="By hand")
    undone = moved(undo_import, job)
    assert (undone.status, undone.error, undone.records_undone, undone.records_kept) == ("done", "", 2, 2)
    assert rejected(undone) == [["4", "in_use"], ["5", "changed_since"]]
    kept = {"SOLD": ("Sold", "2.00"), "SAME": ("By hand", "1.00")}
    assert stock_of_products() == {**before, **kept}
    assert not undone.is_undoable


def test_an_import_of_orders_is_taken_back_but_for_what_was_changed():
    rows = [a_row(InvoiceNo=str(number)) for number in (1, 2, 3)]
    job = imported(a_csv(*rows))
    assert job.orders_created == 3
    with transaction.atomic():
        order = Order.objects.get(external_reference="2")
        update_order(actor=CLERK, order=order, note="Ask")
    undone = moved(undo_import, job)
    assert (undone.status, undone.error, undone.records_undone, undone.records_kept) == ("done", "", 2, 1)
    with transaction.atomic():
        assert [order.external_reference for order in Order.objects.all()] == ["2"]
    assert counted(undone) == (3, 1, 0, 0, 0)


def test_a_dry_run_of_order_lines_leaves_nothing_behind():
    job = moved(rehearse_import, upload(a_csv(a_row(), a_row(Quantity="0")), start=False))
    assert (job.status, job.rows_read, job.rows_rejected) == ("ready", 2, 1)
    with transaction.atomic():
        assert not Order.objects.exists()
        configure_import(actor=CLERK, job=job, options={"currency": "GBP"})
    assert (fresh(job).rows_read, fresh(job).rehearsed_at) == (0, None)
    assert moved(start_import, job).orders_created == 1


def test_the_last_mapping_of_the_same_columns_is_proposed():
    text = "Artikelcode,Was,Kostet\nCUP,Cup,4.50\n"
    mapping = {"sku": "Artikelcode", "name": "Was", "price": "Kostet"}
    assert upload(text, kind="products", start=False).mapping == {}
    with pytest.raises(InvalidMapping, match="No column is known for “SKU”"):
        upload(text, kind="products")
    bring(text, mapping=mapping, options={"currency": "GBP"})
    alike = upload("Was,Kostet,Artikelcode\nJug,7.00,JUG\n", kind="products", start=False)
    assert (alike.mapping, alike.options["currency"]) == (mapping, "GBP")


# Workbooks


def workbook(*rows) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(file)
    return file.getvalue()


def test_a_workbook_is_read_like_a_file_of_text():
    job = bring(
        workbook(
            ["SKU", "Name", "Price"], [4711, "Cup", 4.5], [None], ["JUG", "Jug", 7], ["X", "X", 1, "beyond"]
        ),
        mapping=None,
        name="products.xlsx",
    )
    assert (job.status, job.error, rejected(job)) == ("done", "", [["5", "column_count"]])
    assert stock_of_products() == {"4711": ("Cup", "4.50"), "JUG": ("Jug", "7.00")}
    rows = [[row[name] for name in a_row()] for row in (a_row(), a_row(InvoiceNo="536366"))]
    assert imported(workbook(list(a_row()), *rows), name="orders.xlsx").orders_created == 2


def bomb() -> bytes:
    file = io.BytesIO(workbook(["sku"], ["X"]))
    with (
        ZipFile(file, "a", ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/media/zeros.bin", "w") as part,
    ):
        for _ in range(600):
            part.write(bytes(1024 * 1024))
    return file.getvalue()


def entities() -> bytes:
    file = io.BytesIO(workbook(["sku"], ["X"]))
    with ZipFile(file, "a") as archive:
        archive.writestr("xl/more.xml", '<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>')
    return file.getvalue()


@pytest.mark.parametrize("make", [bomb, entities, lambda: b"PK\x03\x04 no zip", lambda: workbook()[:300]])
def test_a_workbook_that_is_none_or_a_bomb_is_refused(make):
    with pytest.raises(NotACsv):
        upload(make(), kind="products", name="x.xlsx")
