"""Months of a tenant by a test clock, with every event brought to the real inbox as it happens."""

from random import Random

from django.core import mail

from billing.models import Case, Export, StripeInvoice, Subscription
from billing.plans.catalogue import newest
from billing.pricing.rating import rate
from shared_apps.clients.models import Client
from tenants.context import Tenant
from tests.billing.handlers.telling import Telling, mailed

FAILS = "pm_card_chargeCustomerFail"


def standing(tenant: Tenant) -> tuple[str, str]:
    client = Client.objects.get(pk=tenant.id)
    return client.plan, client.access


def test_from_the_first_day_to_the_end(telling: Telling, acme: Tenant) -> None:
    customer = telling.customer(acme)
    telling.subscribe(customer)
    telling.tell()
    assert standing(acme) == ("team", "full")

    telling.live(days=3)
    telling.use(acme, "orders_placed", 1500)
    telling.use(acme, "webhooks_delivered", 10_001)
    telling.use(acme, "seats", 7)
    telling.live(days=20)
    telling.use(acme, "orders_placed", 250)
    end = Subscription.objects.get().period_end
    telling.live(hours=(end - telling.time.now()).total_seconds() / 3600 - 0.4)
    telling.use(acme, "orders_placed", 100)
    telling.live(hours=1.5)

    used = {"orders_placed": 1850, "webhooks_delivered": 10_001, "seats": 7}
    terms = newest("team").terms
    renewal = StripeInvoice.objects.get(reason="subscription_cycle")
    assert renewal.total == rate(terms, used).total
    assert renewal.status == "paid"
    assert not Export.objects.exclude(status="sent").exists()

    telling.give_card(customer, FAILS)
    telling.use(acme, "orders_placed", 10)
    telling.live(days=31)
    assert standing(acme) == ("team", "grace")
    unpaid = StripeInvoice.objects.get(status="open")
    assert unpaid.total == rate(terms, {"orders_placed": 10, "seats": 0}).total
    assert mailed() == ["A payment for Acme has failed"]
    assert unpaid.hosted_url in mail.outbox[0].body
    assert "The bank says: Your card was declined." in mail.outbox[0].body
    telling.live(days=8.1)
    assert mailed() == ["A payment for Acme has failed"] * 3, "one for each attempt"
    assert standing(acme) == ("team", "read_only")
    telling.give_card(customer, "pm_card_visa")
    telling.call("invoices.pay", unpaid.stripe_id)
    telling.tell()
    assert standing(acme) == ("team", "full")

    name = Subscription.objects.get().stripe_id
    telling.call("subscriptions.update", name, cancel_at_period_end=True)
    telling.live(days=31)
    assert standing(acme) == ("team", "closed")
    assert mailed()[3:] == [
        "Thank you: the payment for Acme has arrived",
        "The subscription of Acme has ended",
    ]
    assert {str(invoice.status) for invoice in StripeInvoice.objects.all()} == {"paid"}
    assert not Case.objects.exists()
    written = list(mailed())
    telling.again(Random(3), share=0.3)
    assert (mailed(), standing(acme)) == (written, ("team", "closed")), (
        "and all of it once more is nothing new"
    )
