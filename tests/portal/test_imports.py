"""Pages of imports."""

from django.core.files.uploadedfile import SimpleUploadedFile

from tenant_apps.imports.models import Import
from tenant_apps.imports.running import run_import
from tenant_apps.products.models import Product
from tenants.context import tenant_context, unit_of_work
from tests.portal.shop import LINES, a_finished_import, an_import
from tests.portal.test_products import HTMX, text

MAPPING = {
    "invoice": "InvoiceNo",
    "sku": "StockCode",
    "quantity": "Quantity",
    "placed_at": "InvoiceDate",
    "unit_price": "UnitPrice",
    "description": "Description",
    "customer": "CustomerID",
    "customer_name": "",
    "country": "Country",
    "date_order": "ymd",
    "decimal_separator": ".",
    "currency": "gbp",
    "time_zone": "Europe/London",
}


def upload(browser, content: str = LINES, name: str = "lines.csv", kind: str = "order_lines"):
    file = SimpleUploadedFile(name, content.encode())
    return browser.post("/imports/new/", {"file": file, "kind": kind})


def the_import(acme) -> Import:
    with unit_of_work(acme):
        return Import.objects.get()


def test_a_file_is_looked_into_before_it_is_imported(browser, acme):
    answer = upload(browser)
    job = the_import(acme)
    assert answer["Location"] == f"/imports/{job.pk}/"
    assert (job.status, job.created_by) == ("ready", "owner@acme.example")
    page = text(browser.get(answer["Location"]))
    assert "WHITE METAL LANTERN" in page
    assert '<option value="StockCode" selected>' in page
    assert "Start the import" in page


def test_what_is_no_csv_is_refused_with_the_reason(browser, acme):
    answer = upload(browser, "PK\x03\x04rest", "orders.xlsx")
    assert answer.status_code == 422
    assert "Save it as XLSX again, or as CSV" in text(answer)
    assert "Choose a file first." in text(browser.post("/imports/new/", {}))
    assert "The file is empty." in text(upload(browser, ""))
    with unit_of_work(acme):
        assert not Import.objects.exists()


def test_unknown_columns_have_to_be_chosen_before_the_start(browser, acme):
    upload(browser, LINES.replace("StockCode", "Thing"))
    job = the_import(acme)
    page = text(browser.get(f"/imports/{job.pk}/"))
    assert "choose a column for: SKU." in page
    assert "Start the import" not in page
    refused = text(browser.post(f"/imports/{job.pk}/start/", follow=True))
    assert "toast--error" in refused
    answer = browser.post(f"/imports/{job.pk}/columns/", MAPPING | {"sku": "Thing"})
    assert answer["Location"] == f"/imports/{job.pk}/"
    assert "Start the import" in text(browser.get(answer["Location"]))


def test_columns_are_kept_as_they_are_chosen(browser, acme):
    upload(browser)
    job = the_import(acme)
    path = f"/imports/{job.pk}/columns/"
    part = browser.post(path, MAPPING | {"country": ""}, headers=HTMX)
    assert (part.status_code, "<html" in text(part)) == (200, False)
    job = the_import(acme)
    assert "country" not in job.mapping
    assert (job.options["currency"], job.options["time_zone"]) == ("GBP", "Europe/London")
    twice = browser.post(path, MAPPING | {"country": "CustomerID"}, headers=HTMX)
    assert (twice.status_code, "is given to two fields" in text(twice)) == (422, True)
    unknown = browser.post(path, MAPPING | {"time_zone": "Mars/Olympus"})
    assert (unknown.status_code, "is not known" in text(unknown)) == (422, True)


def test_an_import_is_started_and_cancelled(browser, acme):
    job = an_import(acme, start=False)
    assert "The import runs." in text(browser.post(f"/imports/{job.pk}/start/", follow=True))
    assert the_import(acme).status == "running"
    page = text(browser.get(f"/imports/{job.pk}/"))
    assert "Cancel import" in page
    assert 'hx-trigger="every 1s"' in page
    assert "Delete" not in page
    part = text(browser.get(f"/imports/{job.pk}/", headers=HTMX))
    assert part.startswith('<div id="progress"')
    assert "The import stops." in text(browser.post(f"/imports/{job.pk}/cancel/", follow=True))
    assert the_import(acme).status == "cancelled"
    assert "goes on" in text(browser.post(f"/imports/{job.pk}/resume/", follow=True))
    assert the_import(acme).status == "running"
    assert browser.post(f"/imports/{job.pk}/burn/").status_code == 404


def test_the_progress_gives_way_to_the_outcome(browser, acme):
    job = a_finished_import(acme)
    assert browser.get(f"/imports/{job.pk}/", headers=HTMX)["HX-Refresh"] == "true"


def test_the_outcome_counts_every_row_and_says_why_rows_were_rejected(browser, acme):
    job = a_finished_import(acme)
    page = text(browser.get(f"/imports/{job.pk}/"))
    assert "Quantity is no whole number" in page
    assert "Download with reasons" in page
    assert (job.rows_read, job.rows_imported, job.rows_rejected) == (4, 3, 1)
    assert "536367" in text(browser.get(f"/imports/{job.pk}/rejected/"))


def test_rejected_rows_are_a_file_of_the_same_columns(browser, acme):
    job = a_finished_import(acme)
    answer = browser.get(f"/imports/{job.pk}/rejected.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="rejected-rows-{job.pk}.csv"'
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("line,reason,detail,InvoiceNo,StockCode")
    assert len(lines) == 2


def test_an_import_without_rejected_rows_says_so(browser, acme):
    job = a_finished_import(acme, text="\n".join(LINES.splitlines()[:3]) + "\n")
    assert "No row was rejected" in text(browser.get(f"/imports/{job.pk}/"))
    assert "No row was rejected." in text(browser.get(f"/imports/{job.pk}/rejected/"))


def test_imported_orders_look_like_orders(browser, acme):
    a_finished_import(acme)
    page = text(browser.get("/orders/"))
    assert ">Order 1<" in page
    assert ">Credit 2<" in page
    assert "−£3.39" in page
    link = page.split('class="row-link" href="')[1].split('"')[0]
    assert "Brought in by an import" in text(browser.get(link))


def test_deleting_asks_first_and_keeps_what_was_made(browser, acme):
    job = a_finished_import(acme)
    assert "Delete this import?" in text(browser.get(f"/imports/{job.pk}/delete/"))
    answer = browser.post(f"/imports/{job.pk}/delete/", follow=True)
    assert "the orders that it made stay" in text(answer)
    assert "Bring your orders with you" in text(answer)
    assert text(browser.get("/orders/")).count('class="row-link"') == 2


def test_a_running_import_is_not_deleted(browser, acme):
    job = an_import(acme)
    answer = browser.post(f"/imports/{job.pk}/delete/", follow=True)
    assert "toast--error" in text(answer)
    assert the_import(acme).status == "running"


def test_the_list_shows_what_runs(browser, acme):
    an_import(acme)
    page = text(browser.get("/imports/"))
    assert "lines.csv" in page
    assert "Running" in page


def test_products_are_tried_then_put_in_and_taken_back(browser, acme):
    def go(move: str) -> str:
        assert browser.post(f"{address}{move}/").status_code == 302
        with tenant_context(acme):
            run_import(job.pk)
        return text(browser.get(address))

    upload(browser, "SKU,Name,Price\nJUG,Jug,7.00\nBAD,Bad,free\n", "products.csv", "products")
    job = the_import(acme)
    address = f"/imports/{job.pk}/"
    page = go("rehearse")
    assert "Nothing has been imported yet." in page
    assert "price: 7.00" in page
    assert "The price “free” is no amount" in page
    with unit_of_work(acme):
        assert not Product.objects.exists()
    assert "Undo the import" in go("start")
    with unit_of_work(acme):
        assert Product.objects.get().sku == "JUG"
    assert "1 taken back" in go("undo")
    with unit_of_work(acme):
        assert not Product.objects.exists()
