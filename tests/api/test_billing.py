"""/api/v1/billing/"""

from datetime import timedelta

from django.utils import timezone

from billing.stripe.client import connect
from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.api.calls import Api, problem
from tests.billing.contracts import invoiced, stand, subscribed


def test_the_subscription_says_how_the_workspace_stands(owner_api, acme):
    stand(acme, plan="team", plan_version=2, trial_ends_at=timezone.now() + timedelta(days=3))
    trial = owner_api.get("billing/subscription/").json()
    assert (trial["plan"]["key"], trial["plan"]["version"], trial["plan"]["base"]) == ("team", 2, "39.00")
    assert (trial["status"], trial["access"], trial["card"], trial["amount_due"]) == (
        "trial",
        "full",
        None,
        None,
    )
    assert trial["trial_ends_at"]
    ends = timezone.now() + timedelta(days=20)
    subscribed(acme, cancel_at=ends, pending_plan="business", pending_version=1, pending_at=ends)
    running = owner_api.get("billing/subscription/")
    found = running.json()
    assert (found["status"], found["cancel_at"] is not None) == ("active", True)
    assert found["pending_plan"] == {"key": "business", "version": 1, "name": "Business"}
    assert (found["card"]["brand"], found["card"]["last4"], found["card"]["is_expiring"]) == (
        "visa",
        "4242",
        False,
    )
    again = owner_api.client.get("/api/v1/billing/subscription/", headers={"if-none-match": running["ETag"]})
    assert (again.status_code, again["ETag"]) == (304, running["ETag"])


def test_what_is_owed_comes_with_the_way_to_pay(owner_api, acme):
    subscribed(acme, "past_due", past_due_since=timezone.now())
    invoiced(acme, 2)
    owed = invoiced(acme, 1, "open")
    until = timezone.now() + timedelta(days=6)
    stand(acme, access="grace", access_until=until, reason="The last payment has failed.")
    found = owner_api.get("billing/subscription/").json()
    assert (found["status"], found["access"], found["access_reason"]) == (
        "past_due",
        "grace",
        "The last payment has failed.",
    )
    assert (found["amount_due"], found["pay_url"]) == ("67.62", owed.hosted_url)
    assert found["read_only_at"].startswith(f"{until:%Y-%m-%dT%H:%M}")


def test_invoices_are_listed_filtered_and_shown_line_by_line(owner_api, acme, globex):
    new, old = invoiced(acme, 1, "open"), invoiced(acme, 2)
    theirs = invoiced(globex, 1)
    queries = {
        "status": ("paid", [old]),
        "number": ("ACME-0001", [new]),
        "issued_since": (new.issued_at.isoformat(), [new]),
        "period_before": (new.period_start.isoformat(), [old]),
        "ordering": ("issued_at", [old, new]),
    }
    for name, (value, expected) in queries.items():
        found = owner_api.get("billing/invoices/", **{name: value}).json()["data"]
        assert [row["id"] for row in found] == [str(row.pk) for row in expected], name
        assert all("lines" not in row for row in found)
    shown = owner_api.get(f"billing/invoices/{new.pk}/").json()
    assert [(line["of"], line["amount"]) for line in shown["lines"]] == [
        ("base", "39.00"),
        ("orders_placed", "28.62"),
    ]
    assert (shown["total"], shown["amount_remaining"], shown["hosted_url"]) == (
        "67.62",
        "67.62",
        new.hosted_url,
    )
    problem(owner_api.get(f"billing/invoices/{theirs.pk}/"), 404, "not_found")


def test_the_next_invoice_is_counted_by_us_where_stripe_is_away(owner_api, acme, monkeypatch):
    assert owner_api.get("billing/next-invoice/").json()["counted_by"] == "ours"
    subscribed(acme)

    nobody = connect("sk_test_nobody", "http://127.0.0.1:9")
    monkeypatch.setattr("billing.accounts.upcoming._stripe", lambda: nobody)
    found = owner_api.get("billing/next-invoice/").json()
    assert (found["counted_by"], found["lines"][0]["text"], found["total"]) == ("ours", "Team plan", "39.00")
    assert found["note"].startswith("Stripe does not answer")


def test_bills_are_for_those_who_manage_and_for_their_programs(api, acme, owner, actor):
    for role, status in {"owner": 200, "admin": 200, "member": 403, "viewer": 403}.items():
        assert api(role).get("billing/invoices/").status_code == status, role
    with unit_of_work(acme):
        _, books = create_api_token(actor=actor, owner=owner, name="Books", scopes=["billing:read"])
        _, orders = create_api_token(actor=actor, owner=owner, name="Orders", scopes=["orders:read"])
    assert Api(acme, books).get("billing/subscription/").status_code == 200
    problem(Api(acme, orders).get("billing/subscription/"), 403, "forbidden")
