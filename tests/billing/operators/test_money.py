"""The operators' page about money, and what they do there."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from billing.models import Case, Rollup, StripeInvoice, Subscription, UsageRecord
from billing.operators.costs import FILE, read
from billing.operators.revenue import accounts, recurring, tenants
from billing.plans.reading import CatalogueError
from billing.pricing.periods import month_of
from billing.pricing.rating import ZERO
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tests.cast import OPERATOR, PASSWORD

NOW = datetime.now(UTC)
MONTH = month_of(NOW)
EARLIER = MONTH.begin - timedelta(days=40)
BILLING = Actor.system("billing")


def subscribe(tenant: Tenant, plan: str, *, since: datetime = EARLIER, **more: Any) -> Subscription:
    values: dict[str, Any] = {"status": "active", "plan_version": 1, "currency": "EUR", **more}
    return Subscription.objects.create(
        tenant=tenant.schema, stripe_id=f"sub_{tenant.schema}_{plan}_{since:%d}", plan=plan,
        period_start=MONTH.begin, period_end=MONTH.end, started_at=since, **values,
    )  # fmt: skip


def has(tenant: Tenant, plan: str) -> None:
    Client.objects.filter(pk=tenant.id).update(plan=plan)


def used(tenant: Tenant, meter: str, quantity: int) -> None:
    Rollup.objects.create(
        tenant=tenant.schema, meter=meter, hour=MONTH.begin, quantity=quantity, last_at=MONTH.begin
    )


@pytest.fixture
def operator() -> Browser:
    browser = Browser(headers={"host": settings.PUBLIC_HOST})
    browser.post("/admin/login/?next=/admin/", {"username": OPERATOR, "password": PASSWORD})
    return browser


def test_a_month_s_revenue_moves_by_what_became_of_each_tenant(acme: Tenant, globex: Tenant) -> None:
    assert recurring(NOW) == []
    has(acme, "team")
    subscribe(acme, "business")
    subscribe(globex, "team", status="canceled", ended_at=max(MONTH.begin, NOW - timedelta(minutes=1)))
    # What the log tells of this month: acme came from team.
    set_standing(client_id=acme.id, actor=BILLING, reason="It moved up.", plan="business")
    has(globex, "team")
    (found,) = recurring(NOW)
    assert (found.before, found.now, found.tenants) == (Decimal("58.00"), Decimal("249.00"), 1)
    assert (found.new, found.expansion) == (ZERO, Decimal("220.00"))
    assert (found.contraction, found.churned) == (ZERO, Decimal("-29.00"))
    assert found.before + found.new + found.expansion + found.contraction + found.churned == found.now


def test_a_trial_brings_nothing_until_it_is_paid(acme: Tenant, globex: Tenant) -> None:
    subscribe(acme, "team", status="trialing", trial_end=NOW + timedelta(days=3))
    subscribe(globex, "team", trial_end=MONTH.begin + timedelta(seconds=1))
    (found,) = recurring(NOW)
    assert (found.before, found.new, found.now) == (ZERO, Decimal("29.00"), Decimal("29.00"))


def test_a_tenant_s_margin_is_its_revenue_less_its_use_at_our_costs(acme: Tenant, globex: Tenant) -> None:
    has(acme, "team")
    subscribe(acme, "team")
    used(acme, "orders_placed", 1500)
    used(globex, "orders_placed", 100)
    StripeInvoice.objects.create(
        tenant=acme.schema, stripe_id="in_1", status="open", currency="EUR", subtotal=29, tax=5, total=34,
        amount_due=34, amount_paid=0, amount_remaining=34, period_start=EARLIER, period_end=MONTH.begin,
        issued_at=MONTH.begin,
    )  # fmt: skip
    rows = list(tenants())
    assert rows[0].schema_name == acme.schema
    paying, free = accounts(rows, NOW)
    assert (paying.base, paying.revenue) == (Decimal("29.00"), Decimal("59.00"))
    assert (paying.invoiced, paying.cost, paying.margin) == (Decimal(29), Decimal("1.00"), Decimal("58.00"))
    assert (free.revenue, free.cost, free.margin) == (ZERO, Decimal("0.44"), Decimal("-0.44"))
    assert free.percent is None


def test_the_page_asks_as_much_of_many_tenants_as_of_none(
    operator: Browser, acme: Tenant, globex: Tenant
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connections["control"]) as asked:
            assert operator.get("/admin/money/").status_code == 200
        return len(asked)

    Case.objects.create(kind="dispute", object_id="dp_1", text="A customer has disputed a payment.")
    has(acme, "team")
    subscribe(acme, "team")
    few = queries()
    has(globex, "business")
    subscribe(globex, "business")
    used(globex, "seats", 7)
    assert queries() == few
    text = operator.get("/admin/money/").content.decode()
    for words in ("€278.00", "Acme", "Globex", "Open cases", "/admin/billing/difference/?status__exact=open"):
        assert words in text
    file = b"".join(operator.get("/admin/money/?csv=1&q=glob").streaming_content).decode()  # type: ignore[attr-defined]
    (line,) = file.splitlines()[1:]
    assert line.startswith("Globex,globex,business,1,full,active,EUR,249.00,249.00,0,0.75,248.25,")


def test_an_operator_corrects_what_was_counted_once(operator: Browser, acme: Tenant) -> None:
    given = {
        "tenant": "acme", "meter": "orders_placed", "quantity": "-3",
        "at": f"{NOW - timedelta(hours=2):%Y-%m-%dT%H:%M}", "reason": "counted twice by a test shop",
    }  # fmt: skip
    for _ in range(2):
        assert operator.post("/admin/billing/rollup/correct/", given).status_code == 302
    (row,) = UsageRecord.objects.filter(is_correction=True)
    assert (row.tenant, row.meter, row.quantity) == (acme.schema, "orders_placed", -3)
    for wrong, words in (
        ({"tenant": "nobody"}, "No tenant is called"),
        ({"quantity": "0"}, "what was used more"),
        ({"at": f"{NOW + timedelta(days=1):%Y-%m-%dT%H:%M}"}, "of the last 14 months"),
    ):
        answer = operator.post("/admin/billing/rollup/correct/", {**given, **wrong})
        assert words in answer.content.decode()
    assert UsageRecord.objects.filter(is_correction=True).count() == 1


def test_costs_name_every_meter(tmp_path: Path) -> None:
    file = tmp_path / "costs.toml"
    for change in (('seats = "0.05"', ""), ('seats = "0.05"', 'seats = "0.05"\nmoons = "1"')):
        file.write_text(FILE.read_text().replace(*change))
        with pytest.raises(CatalogueError, match=r"seats|moons"):
            read(file)
