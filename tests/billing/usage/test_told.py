"""What a tenant is told of its use: page, file and API say the same; alerts come once; the cap stops and lets go."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing.limits.caps import change_spend_cap, refusal_of
from billing.models import SpendCap, UsageAlert, UsageWatch
from billing.outbox.services import correct_usage
from billing.pricing.periods import DAY, Period, before, month_of, period_of
from billing.tasks import mail_alerts, watch_usage
from billing.usage import alerts
from billing.usage.ledger import record_calls
from billing.usage.summaries import summary_of
from shared_apps.clients.standing import set_standing
from tenant_apps.orders.services import LineInput, create_and_place_order
from tenants.api.metering import ApiCall
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tenants.hosts import directory
from tenants.models import uuid7
from tenants.users.models import User
from tenants.users.services import create_api_token
from tests.api.calls import Api, problem, signed_in
from tests.billing import builders
from tests.billing.builders import folded, use
from tests.billing.contracts import invoiced
from tests.cast import tenant_named
from tests.orders.builders import a_placed_order
from tests.products.builders import a_product

CLERK = Actor.system("usage tests")
HOURS = timedelta(hours=2)


@pytest.fixture
def team(acme: Tenant) -> Tenant:
    """acme on the plan Team, which includes 1,000 orders and costs 39 a month."""
    set_standing(client_id=acme.id, actor=CLERK, reason="Subscribed", plan="team", plan_version=2)
    return tenant_named("acme")


@pytest.fixture
def api(acme: Tenant, owner: User) -> Api:
    return signed_in(owner, acme)


@pytest.fixture
def period() -> Period:
    """The month that runs."""
    return month_of(builders.HOUR)


def used_in_this_period(tenant: Tenant, meter: str, quantity: int) -> None:
    """Use of the hour that runs: it is part of the period whatever the day."""
    use(tenant, meter, quantity, hours_ago=0)
    folded()


def take_back(tenant: Tenant, quantity: int) -> None:
    with public_context():
        correct_usage(
            tenant=tenant.schema,
            meter="orders_placed",
            quantity=-quantity,
            at=builders.HOUR,
            reason="Test orders",
            key="back",
            actor=CLERK,
        )
    folded()


def figures(browser: Client, path: str) -> list[dict[str, str]]:
    text = browser.get(path).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_page_file_and_api_have_the_same_figures(
    team: Tenant, api: Api, client_of: Any, owner: User, period: Period
) -> None:
    use(team, "seats", 4)
    for meter, quantity in (("orders_placed", 1_204), ("storage", 70), ("seats", 6)):
        use(team, meter, quantity, hours_ago=0)
    used_in_this_period(team, "orders_placed", 3)
    browser = client_of(team, owner)
    page = browser.get("/usage/").content.decode()
    for words in ("1,207 orders", "120 % of 1,000 included", "€4.14", "€50.14", "70 MB", "6 people"):
        assert words in page, words
    assert "0 calls" in page
    told = {each["meter"]: each for each in api.get("usage/").json()["meters"]}
    summary = api.get("usage/summary/").json()
    stands = {each["meter"]: each for each in summary["meters"]}
    assert summary["cost"] == {"currency": "EUR", "so_far": "50.14", "expected": None}
    lines = figures(browser, "/usage/?csv=1")
    for key, title in (("orders_placed", "Orders placed (orders)"), ("seats", "Seats (people)")):
        days = [bucket["quantity"] for bucket in told[key]["buckets"]]
        assert [int(line[title]) if line[title] else None for line in lines] == days
        assert told[key]["total"] == stands[key]["used"] == {"orders_placed": 1_207, "seats": 6}[key]
    month = api.get(
        "usage/", group="month", meter="orders_placed", to=f"{period.end:%Y-%m-%dT%H:%M:%SZ}"
    ).json()
    hour = api.get("usage/", group="hour", meter="orders_placed").json()["meters"][0]["buckets"]
    assert month["meters"][0]["buckets"] == [
        {"start": f"{period.begin:%Y-%m-%dT%H:%M:%SZ}", "quantity": 1_207}
    ]
    assert (hour[-1]["quantity"], sum(each["quantity"] for each in hour)) == (1_207, 1_207)


def test_who_it_was_is_told_by_token_and_by_person(
    acme: Tenant, api: Api, owner: User, actor: Actor, client_of: Any
) -> None:
    with unit_of_work(acme):
        mine, _ = create_api_token(
            actor=actor, owner=owner, name="Mine", scopes=["usage:read"], kind="personal"
        )
        till, _ = create_api_token(actor=actor, owner=owner, name="Till", scopes=["usage:read"])
        create_and_place_order(actor=actor, lines=[LineInput(a_product(opening_stock=1).pk, 1)])
    sources = [mine.pk] * 3 + [till.pk] * 2 + [owner.pk, None]
    record_calls([ApiCall(uuid7(), acme.schema, timezone.now(), source) for source in sources])
    folded()
    found = {by: api.get("usage/", meter="api_calls", by=by).json()["meters"][0] for by in ("token", "user")}
    by_token, by_user = (
        [(each["kind"], each["name"], each["quantity"]) for each in found[by]["callers"]]
        for by in ("token", "user")
    )
    name = owner.display_name
    assert by_token == [("token", "Mine", 3), ("token", "Till", 2), ("user", name, 1), ("other", REST, 1)]
    assert by_user == [("user", name, 4), ("service", "Service accounts", 2), ("other", REST, 1)]
    placed = api.get("usage/", meter="orders_placed", by="user").json()["meters"][0]
    assert [(each["name"], each["quantity"]) for each in placed["callers"]] == [(owner.email, 1)]
    page = client_of(acme, owner).get("/usage/?meter=api_calls").content.decode()
    assert page.index("Mine") < page.index("Till") < page.index("Service accounts")


REST = "Others, and corrections"


def test_a_past_period_shows_the_invoices_that_charge_for_it(
    team: Tenant, globex: Tenant, client_of: Any, owner: User, person: Any
) -> None:
    last = before(period_of(team.schema))
    moments = {1: last.begin + HOURS, 2: last.end + HOURS, 3: last.begin - DAY, 4: last.end + 2 * DAY}
    for turn, issued in moments.items():
        invoiced(team, turn, issued_at=issued)
    invoiced(team, 5, "draft", issued_at=last.end)
    invoiced(globex, 6, issued_at=last.end)
    page = client_of(team, owner).get("/usage/?period=previous").content.decode()
    assert list(dict.fromkeys(re.findall(r"ACME-\d{4}", page))) == ["ACME-0002", "ACME-0001"]
    assert "ACME-" not in client_of(team, owner).get("/usage/").content.decode()
    page = client_of(team, person("viewer").user).get("/usage/?period=previous").content.decode()
    assert "ACME-" not in page


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"meter": "coffee"}, "meter"),
        ({"group": "minute"}, "group"),
        ({"from": "2026-01-01"}, "from"),
        ({"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
        ({"group": "hour", "from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
        ({"from": "2020-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"by": "token"}, "by"),
        ({"meter": "orders_placed", "by": "token"}, "by"),
        ({"page": "2"}, "page"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(api: Api, query: dict[str, str], parameter: str) -> None:
    body = problem(api.get("usage/", **query), 422, "validation_failed")
    assert [error["pointer"] for error in body["errors"]] == [f"/{parameter}"]


def looked() -> list[tuple[str, str, int]]:
    """Look who passed what, as often as the task runs; what was told."""
    watch_usage.run()
    rows = UsageAlert.objects.order_by("subject", "kind", "percent")
    return list(rows.values_list("subject", "kind", "percent"))


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch, acme: Tenant) -> Callable[[], list[str]]:
    """Have letters written at once; the subjects of those to the owner."""
    monkeypatch.setattr(mail_alerts, "delay", mail_alerts.run)
    return lambda: [str(letter.subject) for letter in mail.outbox if letter.to == ["owner@acme.example"]]


def test_thresholds_are_told_once_whatever_runs_again(
    team: Tenant, posted: Any, client_of: Any, owner: User
) -> None:
    used_in_this_period(team, "orders_placed", 799)
    assert looked() == []
    used_in_this_period(team, "orders_placed", 1)
    assert looked() == [("orders_placed", "included", 80)]
    used_in_this_period(team, "orders_placed", 500)
    both = [("orders_placed", "included", 80), ("orders_placed", "included", 100)]
    for _ in range(3):
        assert looked() == both
        UsageWatch.objects.get_or_create(tenant=team.schema)
    assert posted() == [
        "Acme: Orders placed: 80 % of the 1,000 orders that your plan includes are used: 800 so far",
        "Acme: Orders placed: All of the 1,000 orders that your plan includes are used: 1,300 so far",
    ]
    assert {tuple(letter.to) for letter in mail.outbox} == {("owner@acme.example",), ("admin@acme.example",)}
    assert "/usage/" in mail.outbox[0].body
    take_back(team, 900)
    used_in_this_period(team, "orders_placed", 800)
    assert looked() == both, "what was told is told"
    assert len(posted()) == 2
    browser = client_of(team, owner)
    page = browser.get("/usage/").content.decode()
    assert "All of the 1,000 orders" in page
    assert "All of the 1,000 orders" in browser.get("/billing/").content.decode()
    assert "80 % of the 1,000 orders" not in page


def test_a_note_that_was_not_looked_at_to_the_end_is_looked_at_again(
    team: Tenant, posted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    used_in_this_period(team, "orders_placed", 1_000)

    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(UsageAlert.objects, "bulk_create", killed)
        with pytest.raises(KeyboardInterrupt):
            alerts.look_at_all()
    assert UsageWatch.objects.get().tenant == team.schema
    with monkeypatch.context() as patch:
        patch.setattr(mail_alerts, "delay", lambda: None)
        assert looked() != []
    assert posted() == [], "the message to the queue was lost"
    looked()
    with tenant_context(team):
        assert alerts.send_letters(timezone.now()) == 0
    assert len(posted()) == 1


def test_a_larger_allowance_is_another_threshold(team: Tenant, api: Api, posted: Any) -> None:
    used_in_this_period(team, "orders_placed", 1_100)
    cap = {"tenant": team, "actor": CLERK, "behaviour": "alert"}
    change_spend_cap(**cap, amount=Decimal(45))  # type: ignore[arg-type]
    looked()
    change_spend_cap(**cap, amount=Decimal(41))  # type: ignore[arg-type]
    UsageWatch.objects.get_or_create(tenant=team.schema)
    assert looked()[2:] == [("spend", "cap", 80), ("spend", "cap", 80), ("spend", "cap", 100)]
    told = [alert["kind"] for alert in api.get("usage/summary/").json()["alerts"]]
    assert sorted(told) == ["cap", "included"]
    assert posted()[-1] == "Acme: Your spend cap of €41.00 is reached: €41.00 so far"


def test_a_cap_stops_what_costs_more_until_it_is_raised(
    team: Tenant, api: Api, owner: User, client_of: Any, bearer: Any, posted: Any, period: Period
) -> None:
    program = bearer(team, "member@acme.example")
    browser = client_of(team, owner)
    assert program.get("/api/v1/products/").status_code == 200
    problem(api.patch("usage/spend-cap/", {"amount": "39.00"}), 422, "invalid")
    browser.post("/usage/cap/", {"amount": "45", "behaviour": "stop"})
    used_in_this_period(team, "orders_placed", 1_299)
    looked()
    assert refusal_of(team) is None
    used_in_this_period(team, "orders_placed", 1)
    looked()
    body = problem(program.get("/api/v1/products/"), 402, "spend_cap_reached")
    assert (body["cap"], body["currency"]) == ("45.00", "EUR")
    assert "owner or admin can raise or lift it at http" in body["detail"]
    problem(program.get(f"/api/v1/products/{uuid7()}/"), 402, "spend_cap_reached")
    with unit_of_work(team), pytest.raises(Exception, match="spend cap"):
        a_placed_order()
    assert "It is reached" in browser.get("/usage/cap/").content.decode()
    read = api.get("usage/spend-cap/")
    assert read.json()["stopped_until"] == f"{period.end:%Y-%m-%dT%H:%M:%SZ}"
    problem(
        api.client.patch(
            "/api/v1/usage/spend-cap/",
            {"amount": "50.00"},
            "application/json",
            headers={"if-match": '"1-0-0"'},
        ),
        412,
        "precondition_failed",
    )
    tag = {"if-match": read["ETag"]}
    raised = api.client.patch(
        "/api/v1/usage/spend-cap/", {"amount": "50.00"}, "application/json", headers=tag
    )
    assert (raised.status_code, raised.json()["stopped_until"]) == (200, None)
    assert program.get("/api/v1/products/").status_code == 200
    verbs = AuditEntry.objects.using("control").filter(verb__startswith="spend_cap").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == [
        "spend_cap.changed",
        "spend_cap.reached",
        "spend_cap.changed",
    ]


def test_a_cap_lets_go_when_use_is_corrected_and_when_the_period_ends(team: Tenant, posted: Any) -> None:
    change_spend_cap(tenant=team, actor=CLERK, amount=Decimal(45), behaviour="stop")
    used_in_this_period(team, "orders_placed", 1_400)
    looked()
    assert refusal_of(team) is not None
    assert refusal_of(team, "webhooks_delivered") is not None
    SpendCap.objects.update(stopped_until=timezone.now() - timedelta(seconds=1))
    directory.forget()
    assert refusal_of(team) is None
    take_back(team, 900)
    looked()
    assert SpendCap.objects.get().stopped_until is None


def test_a_trial_spends_nothing_and_free_has_nothing_to_cap(team: Tenant, api: Api, posted: Any) -> None:
    use(team, "orders_placed", 2_000, hours_ago=0)
    folded()
    set_standing(
        client_id=team.id, actor=CLERK, reason="Trial", plan="team", trial_ends_at=timezone.now() + DAY
    )
    summary = summary_of(tenant_named("acme"), datetime.now(UTC))
    assert (summary.spent, summary.is_trial, summary.bill.total) == (Decimal(0), True, Decimal("59.00"))
    set_standing(
        client_id=team.id, actor=CLERK, reason="Ended", plan="free", plan_version=1, trial_ends_at=None
    )
    assert (
        "nothing to cap"
        in problem(api.patch("usage/spend-cap/", {"amount": "10.00"}), 422, "invalid")["detail"]
    )
