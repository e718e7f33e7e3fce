"""What a kill, a cancellation or a second worker at any moment does to an import, and how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from tenant_apps.imports import applying, running, staging
from tenant_apps.imports.models import Import, StagedLine
from tenant_apps.imports.running import Run, claim, run_import
from tenant_apps.imports.services import cancel_import, requeue_stale_imports, resume_import
from tenant_apps.orders.models import Customer, Order
from tenant_apps.products.models import Product
from tenants.context import Tenant
from tests.imports.complete import (
    assert_complete,
    assert_lines_make_up_their_orders,
    assert_numbered_without_gaps,
)
from tests.imports.conftest import CLERK, fresh, imported, upload
from tests.imports.files import Truth, a_csv, a_row, generated

pytestmark = pytest.mark.usefixtures("in_acme")


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
    text, truth = generated(invoices=22, seed=3)
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
