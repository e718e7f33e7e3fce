"""Whole imports: what comes out, and what a kill, a cancellation or a second worker at any moment does to it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Count, F, Max, Min, Sum
from django.utils import timezone

from billing.models import UsageRecord
from tenant_apps.imports import applying, running, staging
from tenant_apps.imports.models import Import, RejectedRow, StagedLine
from tenant_apps.imports.rows import Reason
from tenant_apps.imports.running import Run, claim, counts, run_import
from tenant_apps.imports.services import cancel_import, requeue_stale_imports, resume_import
from tenant_apps.orders.models import Customer, Order, OrderCounter, OrderLine
from tenant_apps.orders.services import take_numbers
from tenant_apps.products.models import Product, StockMovement
from tenants.context import Tenant, unit_of_work
from tests.imports.conftest import CLERK, fresh, imported, upload
from tests.imports.files import DIRT, Truth, a_csv, a_row, every_reason, generated
from tests.products.builders import a_product

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def shop() -> Iterator[None]:
    """A transaction to look around in, or to prepare something."""
    with transaction.atomic():
        yield


@pytest.fixture(scope="module")
def history() -> tuple[str, Truth]:
    return generated(invoices=120)


def assert_complete(job: Import, truth: Truth) -> None:
    """The shop holds what the file says, to the cent and without a gap."""
    with transaction.atomic():
        assert (job.status, job.error, counts(job)) == ("done", "", truth.counts())
        assert Counter(job.rejected_rows.values_list("reason", flat=True)) == truth.reasons
        assert not StagedLine.objects.exists()
        totals = dict(Order.objects.values_list("external_reference", "total"))
        assert totals == truth.sales | truth.cancellations
        kinds = Counter(Order.objects.values_list("kind", flat=True))
        assert kinds == {"sale": len(truth.sales), "cancellation": len(truth.cancellations)}
        assert set(Product.objects.values_list("sku", flat=True)) == truth.skus
        assert set(Customer.objects.values_list("reference", flat=True)) == truth.customers
        assert_numbered_without_gaps(len(totals))
        assert_lines_make_up_their_orders()


def assert_numbered_without_gaps(orders: int) -> None:
    found = Order.objects.aggregate(
        least=Min("number"), most=Max("number"), all=Count("number", distinct=True)
    )
    assert found == {"least": 1, "most": orders, "all": orders}
    assert OrderCounter.objects.get().last == orders


def assert_lines_make_up_their_orders() -> None:
    wrong = Order.objects.annotate(sum=Sum("lines__total"), n=Count("lines"), last=Max("lines__position"))
    assert not wrong.exclude(sum=F("total"), n=F("last")).exists()


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
    # The other two need a very long line, and an order that is there already.
    others = {"sku_repeated", "number_invalid", "category_ambiguous", "refused", "changed_since", "in_use"}
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


# Stopping and going on


class Killed(BaseException):
    """Ends a run at once, as a kill does: nothing after it is executed."""


def kill_at(fatal: int, *, before_commit: bool) -> Callable[..., Any]:
    """A replacement of `Run.step` that dies in its n-th step, before or after that step's commit."""
    original, seen = Run.step, [0]

    @contextmanager
    def step(self: Run) -> Iterator[Import]:
        seen[0] += 1
        with original(self) as job:
            yield job
            if seen[0] == fatal and before_commit:
                raise Killed
        if seen[0] == fatal:
            raise Killed

    return step


def taken_up_again(job: Import) -> None:
    """What the sweeper and the next worker do, a minute later."""
    later = timezone.now() + timedelta(seconds=61)
    assert requeue_stale_imports(now=later) == 1
    run_import(job.pk)


@pytest.mark.parametrize("before_commit", [True, False])
def test_a_kill_at_any_step_changes_nothing_in_the_end(
    before_commit: bool, small_steps: None, monkeypatch: pytest.MonkeyPatch, clean: Callable[[], None]
):
    text, truth = generated(invoices=30, seed=3)
    for step in range(1, 1000):
        job = upload(text)
        with monkeypatch.context() as patched:
            patched.setattr(Run, "step", kill_at(step, before_commit=before_commit))
            try:
                run_import(job.pk)
            except Killed:
                assert claim(job.pk) is None
            else:
                break
        taken_up_again(job)
        assert_complete(fresh(job), truth)
        clean()
    assert step > 12


@pytest.fixture
def clean(pristine: Any) -> Callable[[], None]:
    """Put the shop back to its beginning within a test."""

    def restore() -> None:
        connection.close()
        pristine.restore()

    return restore


def test_a_cancelled_import_stops_with_its_chunk_and_goes_on(
    history: tuple[str, Truth], small_steps: None, monkeypatch: pytest.MonkeyPatch
):
    text, truth = history
    original, job = staging.stage, upload(text)

    def stage_and_cancel(held: Import, chunk: Any) -> None:
        original(held, chunk)
        if held.rows_read > 100:
            transaction.on_commit(lambda: cancel_import(actor=CLERK, job=job))

    with monkeypatch.context() as patched:
        patched.setattr(running, "stage", stage_and_cancel)
        run_import(job.pk)
    stopped = fresh(job)
    assert (stopped.status, stopped.rows_read, stopped.lease) == ("cancelled", 120, None)
    assert stopped.is_resumable
    resume_import(actor=CLERK, job=job)
    run_import(job.pk)
    assert_complete(fresh(job), truth)


def test_an_import_cancelled_among_its_orders_keeps_whole_orders(
    history: tuple[str, Truth], small_steps: None, monkeypatch: pytest.MonkeyPatch
):
    text, truth = history
    original, job = applying.apply_next_invoices, upload(text)

    def apply_and_cancel(held: Import) -> bool:
        more = original(held)
        transaction.on_commit(lambda: cancel_import(actor=CLERK, job=job))
        return more

    with monkeypatch.context() as patched:
        patched.setattr(running, "apply_next_invoices", apply_and_cancel)
        run_import(job.pk)
    assert fresh(job).status == "cancelled"
    with transaction.atomic():
        assert 0 < Order.objects.count() < len(truth.sales)
        for order in Order.objects.all():
            assert order.total == (truth.sales | truth.cancellations)[order.external_reference or ""]
    resume_import(actor=CLERK, job=job)
    run_import(job.pk)
    assert_complete(fresh(job), truth)


def test_a_worker_that_died_while_cancelling_is_settled_by_the_next():
    job = upload(a_csv(a_row()))
    assert claim(job.pk) is not None
    cancel_import(actor=CLERK, job=job)
    taken_up_again(job)
    assert fresh(job).status == "cancelled"


def test_two_workers_cannot_have_one_import():
    job = upload(a_csv(a_row()))
    assert claim(job.pk) is not None
    assert claim(job.pk) is None
    run_import(job.pk)
    assert fresh(job).rows_read == 0


def test_a_worker_that_was_only_slow_finds_its_lease_gone():
    job = upload(a_csv(a_row()))
    slow = claim(job.pk)
    assert slow is not None
    taken_up_again(job)
    with pytest.raises(running.Interrupted), slow.step():
        pass
    with slow.end() as held:
        assert held is None
    assert fresh(job).status == "done"


def test_a_row_that_is_locked_counts_as_being_worked_on(acme: Tenant):
    job = upload(a_csv(a_row()))
    with transaction.atomic():
        Import.objects.select_for_update().get(pk=job.pk)
        assert in_another_thread(acme, lambda: claim(job.pk)) is None
        later = timezone.now() + timedelta(hours=1)
        assert in_another_thread(acme, lambda: requeue_stale_imports(now=later)) == 0


def in_another_thread(tenant: Tenant, do: Callable[[], Any]) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    from tenants.context import tenant_context

    def run() -> Any:
        try:
            with tenant_context(tenant):
                return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_two_imports_at_once_share_products_customers_and_numbers(acme: Tenant, small_steps: None):
    texts = [generated(invoices=60, seed=11), generated(invoices=60, seed=12)]
    first, second = upload(texts[0][0]), upload(texts[1][0].replace("\n5", "\n9").replace("\nC5", "\nC9"))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: in_another_thread(acme, lambda: run_import(job.pk)), [first, second]))
    jobs = [fresh(first), fresh(second)]
    assert [job.status for job in jobs] == ["done", "done"]
    with transaction.atomic():
        assert_numbered_without_gaps(sum(job.orders_created + job.cancellations_created for job in jobs))
        assert_lines_make_up_their_orders()
        skus, customers = texts[0][1].skus | texts[1][1].skus, texts[0][1].customers | texts[1][1].customers
        assert Product.objects.count() == len(skus) == sum(job.products_created for job in jobs)
        assert Customer.objects.count() == len(customers) == sum(job.customers_created for job in jobs)


def test_the_same_file_twice_at_once_is_imported_once(acme: Tenant, small_steps: None):
    text, truth = generated(invoices=60, seed=11)
    jobs = [upload(text), upload(text)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda job: in_another_thread(acme, lambda: run_import(job.pk)), jobs))
    done = [fresh(job) for job in jobs]
    assert [job.status for job in done] == ["done", "done"]
    assert (
        sum(job.rows_imported for job in done) == sum(job.rows_already_there for job in done) == truth.sound
    )
    with transaction.atomic():
        assert_numbered_without_gaps(len(truth.sales) + len(truth.cancellations))


# Failing


def broken(error: Exception) -> Callable[..., Any]:
    def fail(*args: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DataError("numeric field overflow"), "out of range"),
        (IntegrityError("secret details"), "database error"),
        (ZeroDivisionError("secret details"), "unexpected error"),
    ],
)
def test_a_failed_import_says_why_and_is_resumed(
    error: Exception,
    words: str,
    history: tuple[str, Truth],
    small_steps: None,
    monkeypatch: pytest.MonkeyPatch,
):
    text, truth = history
    job = upload(text)
    with monkeypatch.context() as patched:
        patched.setattr(running, "create_customers", broken(error))
        run_import(job.pk)
    failed = fresh(job)
    assert (failed.status, failed.lease) == ("failed", None)
    assert words in failed.error
    assert "secret" not in failed.error
    resume_import(actor=CLERK, job=job)
    run_import(job.pk)
    assert_complete(fresh(job), truth)


def test_a_lost_file_fails_with_advice(media: Any):
    job = upload(a_csv(a_row()))
    next(media.rglob("*.csv")).unlink()
    run_import(job.pk)
    assert fresh(job).error.startswith("The uploaded file is gone. Upload it again")


def test_a_lost_database_leaves_the_import_to_the_sweeper(monkeypatch: pytest.MonkeyPatch):
    job = upload(a_csv(a_row()))
    with monkeypatch.context() as patched:
        patched.setattr(running, "stage", broken(OperationalError("gone")))
        with pytest.raises(OperationalError):
            run_import(job.pk)
    assert fresh(job).status == "running"
    taken_up_again(job)
    assert fresh(job).status == "done"


def test_an_import_that_kills_each_worker_is_given_up(monkeypatch: pytest.MonkeyPatch):
    job = upload(a_csv(a_row()))
    monkeypatch.setattr(running, "stage", broken(OperationalError("gone")))
    for _ in range(running.MOST_ATTEMPTS):
        with pytest.raises(OperationalError):
            run_import(job.pk)
        requeue_stale_imports(now=timezone.now() + timedelta(seconds=61))
    run_import(job.pk)
    stuck = fresh(job)
    assert (stuck.status, stuck.attempts) == ("failed", running.MOST_ATTEMPTS + 1)
    assert "20 times" in stuck.error


def test_rows_that_vanish_fail_the_import_loudly(monkeypatch: pytest.MonkeyPatch):
    original = applying.apply_next_invoices

    def lose_some(job: Import) -> bool:
        StagedLine.objects.filter(line=2).delete()
        return original(job)

    monkeypatch.setattr(running, "apply_next_invoices", lose_some)
    job = imported(a_csv(a_row(), a_row()))
    assert job.status == "failed"
    assert "2 rows were read, but 1 are accounted for" in job.error


def test_the_database_itself_refuses_a_sum_that_does_not_add_up():
    job = imported(a_csv(a_row()))
    with pytest.raises(IntegrityError), transaction.atomic():
        Import.objects.filter(pk=job.pk).update(rows_read=2)


def test_a_product_that_vanishes_between_the_halves_undoes_the_batch(monkeypatch: pytest.MonkeyPatch):
    job = upload(a_csv(a_row(), a_row(StockCode="71053")))
    original = applying.apply_next_invoices

    def without_product(held: Import) -> bool:
        Product.objects.filter(sku="71053").delete()
        return original(held)

    with monkeypatch.context() as patched:
        patched.setattr(running, "apply_next_invoices", without_product)
        run_import(job.pk)
    assert "1 lines found no product" in fresh(job).error
    with transaction.atomic():
        assert not Order.objects.exists()
        assert StagedLine.objects.count() == 2
        Product.objects.filter(sku="71053").delete()
    resume_import(actor=CLERK, job=job)
    run_import(job.pk)
    assert fresh(job).rows_imported == 2


def test_an_unknown_import_is_nothing_to_do():
    run_import(uuid4())


# Progress


def test_progress_only_grows_and_ends_at_100(
    history: tuple[str, Truth], small_steps: None, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[str, float]] = []
    original = Run._note_progress

    def note(self: Run, job: Import) -> None:
        original(self, job)
        seen.append((job.phase, job.progress))

    monkeypatch.setattr(Run, "_note_progress", note)
    job = imported(history[0])
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert list(dict(seen)) == ["reading", "products", "customers", "orders", "finished"]
    assert (job.percent, job.seconds_left) == (100, None)
    assert job.rows_per_second is not None


def test_time_left_is_estimated_from_the_work_done():
    job = Import(
        status="running", phase="reading", file_size=1000, bytes_read=500, seconds_working=9, rows_read=900
    )
    assert (job.percent, job.seconds_left, job.rows_per_second) == (22, 31, 100)
    assert Import(status="running", file_size=1000).seconds_left is None


def test_an_overdue_import_is_known():
    now = timezone.now()
    assert Import(status="running", heartbeat_at=now - timedelta(minutes=2), lease=uuid4()).is_overdue
    assert not Import(status="running", heartbeat_at=now, lease=uuid4()).is_overdue
    assert not Import(status="done", heartbeat_at=now - timedelta(minutes=2)).is_overdue
