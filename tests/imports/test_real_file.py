"""Nine months of a real shop, counted twice: by the importer and by a plain reading of the file."""

import lzma
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import Count

from tenant_apps.imports.models import Import, RejectedRow, StagedLine
from tenant_apps.imports.running import Run, counts
from tenant_apps.orders.models import Customer, Order, OrderCounter, OrderLine
from tenant_apps.products.models import Product
from tests.imports.conftest import imported
from tests.imports.tally import Tally, tally

REAL = Path(__file__).parents[2].parent / "shared/data/online-retail/online-retail-2010-12_2011-08.csv.xz"
MEGABYTE = 1024 * 1024
PART = 40_000
ZONE = "Europe/London"

pytestmark = [
    pytest.mark.usefixtures("in_acme"),
    pytest.mark.skipif(
        not REAL.exists(),
        reason=f"The Online Retail data set is not at {REAL}; see docs/imports.md for its source.",
    ),
]


@pytest.fixture(scope="module")
def content() -> bytes:
    return lzma.decompress(REAL.read_bytes())


@pytest.fixture(scope="module")
def truth(content: bytes) -> Tally:
    return tally(content.decode().splitlines(keepends=True))


def test_the_whole_file_comes_in_as_independent_counting_says(
    content: bytes, truth: Tally, monkeypatch: pytest.MonkeyPatch
):
    with memory_watched(monkeypatch) as memory:
        job = imported(content, options={"time_zone": ZONE})
    assert len(memory) > 100
    assert max(memory) - memory[0] < 64 * MEGABYTE
    assert (job.status, job.error, counts(job)) == ("done", "", truth.counts())
    assert truth.rows == 320_705
    with transaction.atomic():
        assert_orders_match(truth)
        assert set(Product.objects.values_list("sku", flat=True)) == truth.skus
        assert set(Customer.objects.values_list("reference", flat=True)) == truth.customers
        reasons = Counter(RejectedRow.objects.values_list("reason", flat=True))
        assert reasons == truth.reasons
        assert not StagedLine.objects.exists()
    again(beginning(content), truth)


def assert_orders_match(truth: Tally) -> None:
    lines = dict(OrderLine.objects.order_by().values_list("order_id").annotate(n=Count("id")))
    rows = Order.objects.values_list("external_reference", "number", "kind", "total", "id", "placed_at")
    found: dict[str | None, Any] = {row[0]: [*row[1:4], lines[row[4]], row[5]] for row in rows}
    zone = ZoneInfo(ZONE)
    expected: dict[str | None, Any] = {
        invoice: [
            number,
            "sale" if invoice in truth.sales else "cancellation",
            truth.totals[invoice] / 100,
            truth.lines[invoice],
            truth.first_seen[invoice].replace(tzinfo=zone),
        ]
        for number, invoice in enumerate(truth.lines, start=1)
    }
    assert found.keys() == expected.keys()
    wrong = [
        key for key in expected if [*found[key][:2], float(found[key][2]), *found[key][3:]] != expected[key]
    ]
    assert not wrong
    assert OrderCounter.objects.get().last == len(expected)


def beginning(content: bytes) -> list[str]:
    """Whole invoices, enough for many chunks and batches: what is known already is known row by row."""
    lines = content.decode().splitlines(keepends=True)[:PART]
    cut = lines[-1].partition(",")[0]
    return [line for line in lines if not line.startswith(f"{cut},")]


def again(lines: list[str], truth: Tally) -> None:
    """The same rows once more add nothing."""
    part = tally(lines)
    job = imported("".join(lines), options={"time_zone": ZONE})
    assert job.rows_read == part.rows > PART * 0.9
    assert (job.rows_imported, job.rows_already_there) == (0, part.lines.total())
    with transaction.atomic():
        assert Order.objects.count() == len(truth.lines)
        assert OrderLine.objects.count() == truth.lines.total()


@contextmanager
def memory_watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The process's memory in bytes, before and after each step of a run."""
    seen, original = [resident()], Run._note_progress

    def note(self: Run, job: Import) -> None:
        original(self, job)
        seen.append(resident())

    with monkeypatch.context() as patched:
        patched.setattr(Run, "_note_progress", note)
        yield seen


def resident() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else 0
