"""Use that misses the invoice of its period: on the next one, once, at what it would have cost."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Case, Export, LateItem, Letter, StripeInvoice, Subscription
from billing.outbox import apart, flushing
from billing.plans.catalogue import newest
from billing.pricing.rating import rate
from shared_apps.inbox.models import ReceivedEvent
from tenants.context import Tenant
from tests.billing.handlers.telling import Telling
from tests.kills import killed

ITEMS = "/v1/invoiceitems"
TERMS = newest("team").terms


def renewed(telling: Telling, tenant: Tenant, orders: int) -> None:
    """A tenant whose first month is over, with its invoice paid."""
    telling.subscribe(telling.customer(tenant))
    telling.tell()
    telling.use(tenant, "orders_placed", orders)
    flushing.bring_use(tenant.schema)
    telling.pass_by(days=31, hours=2)
    telling.tell(telling.news("invoice.paid"))
    telling.forget(telling.news())


def late(telling: Telling, tenant: Tenant, orders: int) -> None:
    """Orders of the month before, which the platform learns of now."""
    telling.use(tenant, "orders_placed", orders, hours_ago=20 * 24)


def items(telling: Telling) -> list[tuple[int, str]]:
    """What lies at Stripe beside the subscription: amounts and their invoices."""
    return [(row.amount, row.invoice) for row in telling.read("invoice_items.list", limit=100).data]


@pytest.mark.parametrize("fault", ["", "cut_after", "killed before", "killed after"])
def test_late_use_is_one_item_whatever_happens_on_the_way(fault: str, telling: Telling, acme: Tenant) -> None:
    renewed(telling, acme, orders=900)
    late(telling, acme, 300)
    assert flushing.bring_use(acme.schema)
    assert Export.objects.get(status="apart").value == 300
    draft = telling.until_draft()
    created = telling.news("invoice.created")
    if fault.startswith("killed"):
        killed(lambda: telling.tell(created), at=(apart, "_settle" if "after" in fault else "_create"))
    elif fault:
        telling.server.simulator.faults.add(kind=fault, path=ITEMS, method="POST", times=1)
    telling.tell(created, copies=3)
    telling.time.forward(minutes=2)
    telling.process()
    worth = rate(TERMS, {"orders_placed": 1200}).total - rate(TERMS, {"orders_placed": 900}).total
    assert worth == Decimal("4.00"), "a hundred of them were included"
    assert items(telling) == [(400, draft)]
    item = LateItem.objects.get()
    assert (item.status, item.invoice, item.plan) == ("invoiced", draft, "team")
    assert Export.objects.get(status="apart").item_id == item.pk
    assert not ReceivedEvent.objects.filter(status__in=["waiting", "dead"]).exists()


def test_a_draft_waits_for_use_that_stripe_does_not_take_and_a_person_learns_what_missed_it(
    telling: Telling, acme: Tenant
) -> None:
    renewed(telling, acme, orders=0)
    telling.use(acme, "orders_placed", 1100)
    draft = telling.until_draft()
    faults = telling.server.simulator.faults
    faults.add(kind="error_before", path="/v1/billing/meter_events", method="POST", times=2)
    telling.tell()
    waiting = ReceivedEvent.objects.get(status="waiting")
    assert waiting.type == "invoice.created"
    assert waiting.sweep_at is not None
    assert waiting.sweep_at <= telling.time.now() + timedelta(seconds=15)
    assert Export.objects.get(status="waiting").tries == 2, "the other one was when the invoice was announced"
    telling.process()
    assert not ReceivedEvent.objects.filter(status="waiting").exists()
    telling.live(hours=1.1)
    assert StripeInvoice.objects.get(stripe_id=draft).total == rate(TERMS, {"orders_placed": 1100}).total

    telling.use(acme, "orders_placed", 5)
    missed = telling.until_draft()
    faults.add(kind="error_before", path="/v1/billing/meter_events", method="POST", times=None)
    telling.live(hours=1.1)
    faults.clear()
    case = Case.objects.get(object_id=missed)
    assert (case.kind, case.tenant) == ("late_usage", acme.schema)
    assert "1 messages about use had not reached Stripe" in case.text


def test_what_was_corrected_is_given_back_and_a_trial_stays_free(telling: Telling, acme: Tenant) -> None:
    renewed(telling, acme, orders=1300)
    sent = Export.objects.get(meter="orders_placed")
    Export.objects.create(
        tenant=acme.schema, meter=sent.meter, hour=sent.hour, revision=2, value=-100, at=sent.at,
        identifier="less", status="apart", settled_at=telling.time.now(),
    )  # fmt: skip
    (item,) = apart.note_late_use(telling.stripe, acme.schema)
    assert (item.amount, item.quantities, item.status) == (Decimal(-2), {"orders_placed": -100}, "waiting")
    assert apart.note_late_use(telling.stripe, acme.schema) == []
    Subscription.objects.update(trial_end=item.period_end)
    Export.objects.filter(identifier="less").update(item=None)
    (item,) = apart.note_late_use(telling.stripe, acme.schema)
    assert (item.amount, item.status) == (Decimal(0), "nothing")


def test_what_no_invoice_follows_for_is_told_to_a_person(telling: Telling, acme: Tenant) -> None:
    renewed(telling, acme, orders=1300)
    late(telling, acme, 300)
    telling.call("subscriptions.cancel", Subscription.objects.get().stripe_id)
    telling.tell(telling.news("customer.subscription.deleted"), copies=2)
    case = Case.objects.get()
    assert "counted late: 300 orders (€6.00)" in case.text
    assert {letter.kind for letter in Letter.objects.all()} == {"operators", "subscription_ended"}
