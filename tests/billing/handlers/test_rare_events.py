"""What Stripe tells seldom: unpaid invoices, refunds that come back, changes that lapse, credits and alerts."""

from django.core import mail

from billing.models import Case, Customer, MoneyBack, StripeInvoice, Subscription
from tenants.context import Tenant
from tests.billing.handlers.telling import Telling, mailed
from tests.billing.handlers.test_events import emit


def cases() -> dict[str, str]:
    """What a person has to look at, by its kind."""
    return dict(Case.objects.values_list("kind", "text"))


def happens(telling: Telling, kind: str, to: str, type_: str, **changes: object) -> None:
    """Something becomes of an object at Stripe, and is told twice."""
    with telling.world.lock:
        found = telling.world.store.get(kind, to)
        found.update(changes)
        telling.world.emit(type_, found)
        telling.world.taken()
    telling.tell(telling.news(type_), copies=2)


def test_an_invoice_that_nobody_pays_is_reminded_of_and_given_up(telling: Telling, acme: Tenant) -> None:
    name = telling.subscribe(telling.customer(acme), collection_method="send_invoice", days_until_due=5)
    telling.live(hours=2)
    telling.live(days=6)
    assert mailed() == ["An invoice of Acme is overdue"]
    invoice = StripeInvoice.objects.get(subscription=name, status="open")
    assert invoice.hosted_url in mail.outbox[0].body
    telling.call("invoices.mark_uncollectible", invoice.stripe_id)
    telling.tell(copies=2)
    invoice.refresh_from_db()
    assert invoice.status == "uncollectible"
    assert "€39.00 was given up; €39.00 are lost" in cases()["uncollectible"]


def test_a_refund_that_comes_back_is_a_case(telling: Telling, acme: Tenant) -> None:
    name = telling.subscribe(telling.customer(acme))
    telling.tell()
    invoice = telling.read("subscriptions.retrieve", name).latest_invoice
    rows = telling.read("invoice_payments.list", invoice=invoice).data
    charge = telling.read("payment_intents.retrieve", rows[0].payment.payment_intent).latest_charge
    refund = telling.call("refunds.create", charge=charge, amount=500).id
    telling.tell()
    why = "lost_or_stolen_card"
    happens(telling, "refund", refund, "refund.failed", status="failed", failure_reason=why)
    assert MoneyBack.objects.get(stripe_id=refund).status == "failed"
    assert cases() == {"refund_failed": f"A refund of €5.00 for {invoice} has failed: {why}."}


def test_a_change_whose_payment_was_never_made_is_dropped_and_the_owners_learn_it(
    telling: Telling, acme: Tenant
) -> None:
    name = telling.subscribe(telling.customer(acme))
    telling.tell()
    happens(telling, "subscription", name, "customer.subscription.pending_update_expired")
    assert mailed() == ["The change of plan of Acme was not made"]
    assert Subscription.objects.get().plan == "team"


def test_credits_and_alerts_of_the_dashboard_are_seen(telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    amount = {"monetary": {"value": 700, "currency": "eur"}}
    grant = emit(
        telling,
        "billing.credit_grant",
        "billing.credit_grant.created",
        customer=customer.stripe_id,
        amount=amount,
    )
    telling.call("customers.update", customer.stripe_id, email="bills@acme.example")
    telling.forget(event for event in telling.news() if not event["type"].startswith("billing."))
    spent = "billing.credit_balance_transaction"
    emit(telling, spent, f"{spent}.created", credit_grant=grant)
    emit(
        telling, "billing.alert_triggered", "billing.alert.triggered",
        customer=customer.stripe_id, value=1200, alert={"title": "More than a thousand calls"},
    )  # fmt: skip
    telling.tell(copies=2)
    texts = sorted(Case.objects.filter(kind="change_in_dashboard").values_list("text", flat=True))
    assert len(texts) == 2
    assert "More than a thousand calls" in texts[0]
    assert "€7.00" in texts[1]
    assert Customer.objects.get().email == "bills@acme.example"
