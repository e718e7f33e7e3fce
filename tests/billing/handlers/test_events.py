"""Every event of the table: ten copies in any order, losses, deaths and faults lead to one end."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from billing import letters, projecting
from billing.models import Case, Customer, Letter, MoneyBack, StripeInvoice, Subscription
from billing.simulator import control
from shared_apps.clients.models import Client
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import handled_types, handler_of
from tenants.context import Tenant
from tests.billing.handlers.telling import Telling, mailed
from tests.kills import killed

FAILS = "pm_card_chargeCustomerFail"
TABLE = """
checkout.session.completed checkout.session.async_payment_succeeded checkout.session.async_payment_failed
checkout.session.expired customer.subscription.created customer.subscription.updated customer.subscription.paused
customer.subscription.resumed customer.subscription.deleted customer.subscription.trial_will_end
customer.subscription.pending_update_applied customer.subscription.pending_update_expired invoice.created
invoice.upcoming invoice.finalized invoice.finalization_failed invoice.paid invoice.payment_failed
invoice.payment_action_required invoice.overdue invoice.voided invoice.marked_uncollectible invoice.updated
customer.updated customer.deleted payment_method.attached payment_method.detached payment_method.updated
payment_method.automatically_updated setup_intent.succeeded setup_intent.setup_failed customer.tax_id.created
customer.tax_id.updated customer.tax_id.deleted refund.created refund.updated refund.failed charge.refunded
credit_note.created credit_note.updated credit_note.voided charge.dispute.created charge.dispute.updated
charge.dispute.closed charge.dispute.funds_withdrawn charge.dispute.funds_reinstated
radar.early_fraud_warning.created billing.alert.triggered billing.credit_grant.created billing.credit_grant.updated
billing.credit_balance_transaction.created subscription_schedule.created subscription_schedule.updated
subscription_schedule.released subscription_schedule.canceled subscription_schedule.completed
subscription_schedule.aborted price.created price.updated price.deleted product.created product.updated
product.deleted v1.billing.meter.error_report_triggered v1.billing.meter.no_meter_found
""".split()
DOCS = Path(__file__).parents[3] / "docs/billing.md"


@pytest.mark.parametrize("name", TABLE)
def test_each_event_of_the_table_has_a_handler(name: str) -> None:
    assert handler_of(name) is not None


def test_the_docs_name_each_type_that_is_handled_and_no_other() -> None:
    text = DOCS.read_text("utf-8").partition("## What Stripe tells us")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in row.replace("`", "").split()) == handled_types()


def emit(telling: Telling, kind: str, type_: str, **values: Any) -> str:
    """Something that comes from a bank or a dashboard; the id of the object."""
    made = control._emit(telling.server.simulator, {"kind": kind, "type": type_, "values": values})
    return str(made["data"]["object"]["id"])


def a_life(telling: Telling, tenant: Tenant) -> None:
    """A renewal that fails twice and is paid; money that goes back, and somebody who wants more of it back."""
    customer = telling.customer(tenant)
    name = telling.subscribe(customer)
    telling.give_card(customer, FAILS)
    telling.wait(days=31, hours=2)
    telling.wait(days=3, hours=1)
    telling.give_card(customer, "pm_card_visa")
    invoice = telling.read("subscriptions.retrieve", name).latest_invoice
    telling.call("invoices.pay", invoice)
    wanted = {"type": "payment_intent"}
    paid = (
        telling.read("invoice_payments.list", invoice=invoice, payment=wanted).data[0].payment.payment_intent
    )
    charge = telling.read("payment_intents.retrieve", paid).latest_charge
    telling.call("refunds.create", charge=charge, amount=500)
    telling.call("credit_notes.create", invoice=invoice, amount=300, refund_amount=300)
    telling.call("customers.tax_ids.create", customer.stripe_id, type="eu_vat", value="DE123456789")
    values = {
        "charge": charge,
        "amount": 3900,
        "currency": "eur",
        "reason": "fraudulent",
        "status": "needs_response",
    }
    emit(telling, "dispute", "charge.dispute.created", **values)
    told = {"charge": charge, "actionable": True, "fraud_type": "made_with_stolen_card"}
    emit(telling, "radar.early_fraud_warning", "radar.early_fraud_warning.created", **told)


def picture(tenant: Tenant) -> dict[str, Any]:
    """All that became of it here, but for keys and times of our own."""
    rows: dict[str, Any] = {
        "subscriptions": list(
            Subscription.objects.values_list("stripe_id", "status", "latest_invoice", "period_end")
        ),
        "invoices": sorted(StripeInvoice.objects.values_list("stripe_id", "status", "total", "attempts")),
        "customer": list(Customer.objects.values_list("card_last4", "is_delinquent", "tax_ids")),
        "back": sorted(MoneyBack.objects.values_list("stripe_id", "kind", "amount", "status", "invoice")),
        "cases": sorted(Case.objects.values_list("kind", "object_id", "text")),
        "access": list(Client.objects.filter(pk=tenant.id).values_list("plan", "access")),
    }
    return rows


def test_ten_copies_in_any_order_and_a_replay_have_one_effect(telling: Telling, acme: Tenant) -> None:
    a_life(telling, acme)
    events, chance = telling.news(), Random(5)
    lost = [event for event in events if chance.random() < 0.3]
    telling.tell([event for event in events if event not in lost], copies=10, chance=chance)
    telling.tell(lost, copies=10, chance=chance)
    found = picture(acme)
    assert found["access"] == [("team", "full")]
    assert [status for _, status, _, _ in found["invoices"]] == ["paid", "paid"]
    kinds = [(kind, str(amount)) for _, kind, amount, _, _ in found["back"]]
    assert sorted(kinds) == [
        ("credit_note", "3.000"), ("dispute", "39.000"), ("refund", "3.000"), ("refund", "5.000"),
    ]  # fmt: skip
    assert {invoice for *_, invoice in found["back"]} == {found["subscriptions"][0][2]}
    assert [kind for kind, _, _ in found["cases"]] == ["dispute", "early_fraud_warning"]
    assert "€39.00" in found["cases"][0][2]
    assert not ReceivedEvent.objects.filter(status__in=["waiting", "dead"]).exists()
    wrote = sorted(Letter.objects.values_list("key", flat=True))
    telling.again(chance)
    assert (picture(acme), sorted(Letter.objects.values_list("key", flat=True))) == (found, wrote)
    assert sorted(mailed()) == ["A bank warns of fraud", "A payment is disputed"], (
        "it was paid when we heard of it"
    )


def test_told_in_time_each_attempt_is_one_mail_and_the_payment_is_thanked_for(
    telling: Telling, acme: Tenant
) -> None:
    customer = telling.customer(acme)
    name = telling.subscribe(customer)
    telling.give_card(customer, FAILS)
    telling.tell()
    telling.live(days=31)
    telling.live(days=3.1)
    telling.give_card(customer, "pm_card_visa")
    telling.call("invoices.pay", telling.read("subscriptions.retrieve", name).latest_invoice)
    telling.tell(copies=3)
    telling.again(Random(3))
    failed = "A payment for Acme has failed"
    assert sorted(mailed()) == [failed, failed, "Thank you: the payment for Acme has arrived"]
    assert mailed() == mailed()


@pytest.mark.parametrize(
    "place",
    [(letters, "write"), (projecting, "project_invoice"), (letters, "card_of")],
    ids=lambda place: place[1],
)
def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    place: Any, telling: Telling, acme: Tenant
) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.tell()
    telling.give_card(customer, FAILS)
    telling.wait(days=31, hours=2)
    failed = [event for event in telling.news() if event["type"] == "invoice.payment_failed"]
    killed(lambda: telling.tell(failed), at=place)
    assert not Letter.objects.exists()
    assert not StripeInvoice.objects.filter(status="open").exists()
    telling.process()
    assert StripeInvoice.objects.get(status="open").attempts == 1
    assert Letter.objects.count() == 1


@pytest.mark.parametrize("fault", ["rate_limit", "error_before", "cut_before", "cut_after"])
def test_what_stripe_does_not_answer_is_tried_again(fault: str, telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.server.simulator.faults.add(kind=fault, path="/v1/.*", method="GET", times=3)
    telling.tell()
    assert ReceivedEvent.objects.filter(status="waiting").exists()
    telling.process()
    assert not ReceivedEvent.objects.filter(status__in=["waiting", "dead"]).exists()
    assert Subscription.objects.get().status == "active"
