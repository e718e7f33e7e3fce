"""Every event of the table: ten copies in any order, losses, deaths and faults lead to one end."""

from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core import mail

from billing.accounts import letters, projecting
from billing.models import Case, Customer, Export, Letter, MoneyBack, StripeInvoice, Subscription
from billing.plans.catalogue import newest, stripe_prices
from billing.simulator import control
from billing.simulator.checkout import pay
from shared_apps.clients.models import Client
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.registry import handled_types, handler_of
from tenants.context import Tenant
from tests.billing.handlers.telling import Telling, mailed
from tests.kills import killed

CARD, FAILS = "4242424242424242", "pm_card_chargeCustomerFail"
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
    at_stripe = telling.read("invoices.list", limit=10).data
    ours = sorted((name, status, int(total * 100)) for name, status, total, _ in found["invoices"])
    assert ours == sorted((invoice.id, invoice.status, invoice.total) for invoice in at_stripe)
    wrote = sorted(Letter.objects.values_list("key", flat=True))
    telling.again(chance, share=0.4)
    assert (picture(acme), sorted(Letter.objects.values_list("key", flat=True))) == (found, wrote)
    assert sorted(mailed()) == ["A bank warns of fraud", "A payment is disputed"], (
        "it was paid when we heard of it"
    )


@pytest.mark.parametrize(
    "place",
    [(letters, "write"), (projecting, "project_invoice")],
    ids=lambda place: place[1],
)
def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    place: Any, telling: Telling, acme: Tenant
) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.tell(telling.news("customer.subscription.created"))
    telling.give_card(customer, FAILS)
    telling.wait(days=31, hours=2)
    killed(lambda: telling.tell(telling.news("invoice.payment_failed")), at=place)
    assert not Letter.objects.exists()
    assert not StripeInvoice.objects.filter(status="open").exists()
    telling.process()
    assert StripeInvoice.objects.get(status="open").attempts == 1
    assert Letter.objects.count() == 1


def test_a_bank_that_wants_proof_is_one_letter_with_the_way_to_give_it(
    telling: Telling, acme: Tenant
) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.give_card(customer, "pm_card_authenticationRequired")
    telling.wait(days=31, hours=2)
    telling.tell(telling.news("invoice.payment_failed", "invoice.payment_action_required"), copies=2)
    assert mailed() == ["A payment for Acme needs your confirmation"]
    assert StripeInvoice.objects.get(status="open").hosted_url in mail.outbox[0].body


def test_the_end_of_a_trial_is_announced_with_what_follows(telling: Telling, acme: Tenant) -> None:
    telling.subscribe(telling.customer(acme), trial_period_days=10)
    telling.wait(days=8)
    telling.tell(telling.news("customer.subscription.trial_will_end"), copies=2)
    assert mailed() == ["The trial of Acme ends soon"]
    assert "the Team plan is charged to your card (visa ending in 4242)" in mail.outbox[0].body


def test_a_checkout_binds_by_our_table_and_one_that_names_another_tenant_is_a_case(
    telling: Telling, acme: Tenant, globex: Tenant
) -> None:
    customer = telling.customer(acme)
    prices = stripe_prices(newest("team"))
    items = [{"price": price, **({"quantity": 1} if of == "base" else {})} for of, price in prices.items()]
    sessions = [
        telling.call(
            "checkout.sessions.create", mode="subscription", customer=customer.stripe_id, line_items=items,
            client_reference_id=tenant.schema, success_url="https://acme.example/",
        ).id
        for tenant in (acme, globex)
    ]  # fmt: skip
    telling.call("checkout.sessions.expire", sessions[1])
    pay(telling.world, telling.world.store.get("checkout.session", sessions[0]), {"card": CARD}, proved=False)
    telling.world.taken()
    told = telling.news("checkout.session.expired", "checkout.session.completed")
    assert [event["type"] for event in told] == ["checkout.session.expired", "checkout.session.completed"]
    telling.tell(told, copies=2, chance=Random(1))
    assert (Subscription.objects.get().tenant, Customer.objects.get().card_last4) == (acme.schema, "4242")
    assert [(case.kind, case.object_id) for case in Case.objects.all()] == [("unbound_checkout", sessions[1])]
    assert Client.objects.get(pk=acme.id).plan == "team"
    assert not Subscription.objects.filter(tenant=globex.schema).exists()


def test_trouble_is_put_down_once_and_written_to_the_operators(telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.tell(telling.news("customer.subscription.created"))
    telling.forget(telling.news())
    base = stripe_prices(newest("team"))["base"]
    telling.call("prices.update", base, active=False)
    grant = {
        "customer": customer.stripe_id,
        "name": "Sorry",
        "amount": {"monetary": {"value": 700, "currency": "eur"}},
    }
    emit(telling, "billing.credit_grant", "billing.credit_grant.created", **grant)
    invoice = Subscription.objects.get().latest_invoice
    draft = telling.call("invoices.create", customer=customer.stripe_id, currency="eur").id
    with telling.world.lock:
        about = telling.world.store.get("invoice", draft)
        about["last_finalization_error"] = {"message": "The address has no country"}
        telling.world.emit("invoice.finalization_failed", about)
        telling.world.emit("charge.succeeded", telling.world.store.get("invoice", invoice))
        telling.world.taken()
    telling.call("customers.delete", customer.stripe_id)
    telling.tell(copies=2, chance=Random(4))
    telling.again(Random(6))
    assert {case.kind: case.object_id for case in Case.objects.all()} | {"change_in_dashboard": ""} == {
        "catalogue_drift": base, "change_in_dashboard": "", "customer_deleted": customer.stripe_id,
        "finalization_failed": draft,
    }  # fmt: skip
    assert "The address has no country" in Case.objects.get(kind="finalization_failed").text
    assert "Sorry of €7.00" in Case.objects.get(kind="change_in_dashboard").text
    assert Client.objects.get(pk=acme.id).access == "closed"
    assert len([subject for subject in mailed() if "of Acme" not in subject]) == 4
    unknown = ReceivedEvent.objects.filter(type="charge.succeeded").values_list("status", "note")
    assert set(unknown) == {("ignored", "nothing here handles this type")}


def test_events_that_stripe_did_not_count_are_refused_with_its_reason(telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    at = telling.time.now()
    sent = Export.objects.create(
        tenant=acme.schema, meter="seats", hour=at, revision=1, value=3, at=at, identifier="acme:seats:1",
        status="sent", settled_at=at,
    )  # fmt: skip
    payload = {"stripe_customer_id": customer.stripe_id, "value": "three"}
    given = {"event_name": "rowhouse_seats", "payload": payload, "identifier": sent.identifier}
    telling.call("billing.meter_events.create", **given)
    telling.call(
        "billing.meter_events.create", **given | {"event_name": "unknown", "identifier": "of somebody"}
    )
    telling.tell(copies=2)
    sent.refresh_from_db()
    assert (sent.status, "meter_event_invalid_value" in sent.error) == ("refused", True)
    texts = [case.text for case in Case.objects.filter(kind="meter_errors")]
    assert len(texts) == 2
    assert "no_meter" in texts[0]


@pytest.mark.parametrize("fault", ["rate_limit", "error_before", "cut_after"])
def test_what_stripe_does_not_answer_is_tried_again(fault: str, telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.server.simulator.faults.add(kind=fault, path="/v1/.*", method="GET", times=3)
    telling.tell(telling.news("customer.subscription.created", "invoice.finalized", "invoice.paid"))
    assert ReceivedEvent.objects.filter(status="waiting").exists()
    telling.process()
    telling.process()
    assert not ReceivedEvent.objects.filter(status__in=["waiting", "dead"]).exists()
    assert Subscription.objects.get().status == "active"


def test_an_outage_of_days_gives_nothing_up(telling: Telling, acme: Tenant) -> None:
    telling.subscribe(telling.customer(acme))
    faults = telling.server.simulator.faults
    faults.add(kind="error_before", path="/v1/.*", method="GET", times=None)
    telling.tell(telling.news("customer.subscription.created"))
    for _ in range(20):
        telling.time.forward(hours=3)
        telling.process()
    assert ReceivedEvent.objects.get().status == "waiting"
    assert "gives no answer" in ReceivedEvent.objects.get().note
    faults.clear()
    telling.time.forward(hours=1)
    telling.process()
    assert Subscription.objects.get().status == "active"
