"""A real shop's books through every door: imported, reported, exported, and imported again into another shop.

Each sum is compared with one that the standard library makes of the file. A part of it is enough for each run;
`ROUND_TRIP_ROWS=320705` takes the whole file.
"""

import csv
import io
import lzma
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shared_apps.clients.workspace import change_workspace
from tenant_apps.imports.running import run_import
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.models import Order, OrderLine
from tenant_apps.reports import figures, services
from tenant_apps.reports.spans import Span
from tenants.context import Tenant, tenant_context, unit_of_work
from tenants.users.models import User
from tests.api.calls import BASE, Api, signed_in
from tests.cast import tenant_named
from tests.imports.conftest import CLERK
from tests.imports.tally import why_not
from tests.imports.test_real_file import REAL, ZONE

pytestmark = pytest.mark.skipif(not REAL.exists(), reason=f"The Online Retail data set is not at {REAL}.")
ROWS = int(os.environ.get("ROUND_TRIP_ROWS", "1000"))


@dataclass
class Sums:
    """What a file comes to: how many, and how much by day, product and customer."""

    orders: int = 0
    credits: int = 0
    lines: int = 0
    by_day: Counter[date] = field(default_factory=Counter)
    by_product: Counter[str] = field(default_factory=Counter)
    by_customer: Counter[str] = field(default_factory=Counter)


def content() -> str:
    """The first rows of the real file."""
    with lzma.open(REAL, "rt", encoding="utf-8", newline="") as file:
        return "".join(islice(file, ROWS + 1))


def sums_of(text: str) -> Sums:
    """By csv and Decimal alone. The days of the file are those of its shop's calendar."""
    sums, invoices = Sums(), set()
    days: dict[str, date] = {}
    buyers: dict[str, str] = {}
    sound = [row for row in csv.DictReader(io.StringIO(text)) if why_not(row) is None]
    for row in sound:
        if row["CustomerID"]:
            buyers.setdefault(row["InvoiceNo"], row["CustomerID"].removesuffix(".0"))
    for row in sound:
        invoice, is_credit = row["InvoiceNo"], row["InvoiceNo"].startswith("C")
        amount = abs(int(row["Quantity"])) * Decimal(row["UnitPrice"]).quantize(Decimal("0.01"))
        amount = -amount if is_credit else amount
        day = days.setdefault(invoice, datetime.fromisoformat(row["InvoiceDate"]).date())
        sums.lines += 1
        sums.orders += invoice not in invoices and not is_credit
        sums.credits += invoice not in invoices and is_credit
        invoices.add(invoice)
        sums.by_day[day] += amount  # type: ignore[assignment]  # a counter of money
        sums.by_product[row["StockCode"].strip().upper()] += amount  # type: ignore[assignment]
        if invoice in buyers:
            sums.by_customer[buyers[invoice]] += amount  # type: ignore[assignment]
    return sums


def reported(tenant: Tenant, api: Api, span: Span) -> Sums:
    """The same by the reports, days by the API."""
    query = {"from_day": span.first, "to_day": span.last, "interval": "day"}
    answer = api.get("reports/sales/", **query).json()
    days = {period["start"]: Decimal(period["sales"]["net"]) for period in answer["periods"]}
    with unit_of_work(tenant):
        references = dict(Customer.objects.values_list("pk", "reference"))
        return Sums(
            Order.objects.sales().count(),
            Order.objects.exclude(kind="sale").count(),
            OrderLine.objects.count(),
            Counter({date.fromisoformat(day): net for day, net in days.items() if net}),
            Counter({each.sku: each.amount for each in figures.top_products(span, 100_000)}),
            Counter(
                {references[each.id]: each.amount for each in figures.best_customers(span, 100_000)}  # type: ignore[misc]
            ),
        )


def bring(tenant: Tenant, api: Api, text: bytes) -> dict[str, Any]:
    """Upload, try, and import by the API, with a worker's work between."""
    file = SimpleUploadedFile("books.csv", text, "text/csv")
    job = api.client.post(f"{BASE}imports/", {"file": file, "start": "false"}).json()
    assert (job["status"], job["missing"]) == ("ready", []), job
    for move in ("rehearse", "start"):
        api.post(f"imports/{job['id']}/{move}/")
        with tenant_context(tenant):
            run_import(job["id"])
        found: dict[str, Any] = api.get(f"imports/{job['id']}/").json()
    assert (found["status"], found["error"]) == ("done", "")
    return found


def moved_to_london(tenant: Tenant) -> Tenant:
    """The shop with the settings of the file's own."""
    change_workspace(client_id=tenant.id, actor=CLERK, time_zone=ZONE, currency="GBP")
    return tenant_named(tenant.host.partition(".")[0])


def test_sums_are_the_same_after_import_report_export_and_import_again(
    acme: Tenant, globex: Tenant, owner: User, stranger: User
) -> None:
    text = content()
    truth = sums_of(text)
    span = Span(min(truth.by_day), max(truth.by_day))
    first, second = moved_to_london(acme), moved_to_london(globex)
    job = bring(first, api := signed_in(owner, first), text.encode())
    counts = job["counts"]
    assert counts["rows_read"] == counts["rows_imported"] + counts["rows_rejected"]
    assert same(reported(first, api, span), truth)
    file = api.get("orders/export/", sheet="lines", ordering="placed_at").getvalue()
    again = bring(second, other := signed_in(stranger, second), file)
    assert again["counts"]["rows_rejected"] == 0
    assert same(reported(second, other, span), truth)
    with unit_of_work(second):
        services.roll_up()
    assert same(reported(second, other, span), truth)


def same(found: Sums, truth: Sums) -> bool:
    """Whether all sums agree, to the penny; what comes to nothing may be left out."""
    for name in ("by_day", "by_product", "by_customer"):
        left, right = ({key: n for key, n in getattr(sums, name).items() if n} for sums in (found, truth))
        assert left == right, name
    assert (found.orders, found.credits, found.lines) == (truth.orders, truth.credits, truth.lines)
    return True
