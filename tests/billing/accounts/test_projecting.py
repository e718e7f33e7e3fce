"""What Stripe says of customers, subscriptions and invoices, and what becomes of the tenant by it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.accounts import standings
from billing.accounts.projecting import refresh_customer, refresh_invoice, refresh_subscription
from billing.accounts.reading import Unknown
from billing.meters import METERS
from billing.models import Case, Customer, PublishedPlan, Subscription
from billing.plans.catalogue import newest, stripe_prices
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.context import Tenant
from tests.billing.platform import Platform

FAILS = "pm_card_chargeCustomerFail"


def access(tenant: Tenant) -> tuple[str, str]:
    client = Client.objects.get(pk=tenant.id)
    return client.plan, client.access


def test_a_subscription_gives_its_plan_and_full_access(platform: Platform, acme: Tenant) -> None:
    customer = platform.customer(acme)
    found = refresh_subscription(platform.subscribe(customer))
    assert (found.plan, found.plan_version, found.status, found.currency) == ("team", 2, "active", "EUR")
    assert {item["of"] for item in found.items} == {"base", *METERS}
    assert found.period_end - found.period_start >= timedelta(days=28)
    assert access(acme) == ("team", "full")
    customer.refresh_from_db()
    assert (customer.card_brand, customer.card_last4, customer.email) == (
        "visa",
        "4242",
        "owner@acme.example",
    )


def test_a_failed_payment_gives_grace_then_reading_and_a_good_one_everything_back(
    platform: Platform, acme: Tenant
) -> None:
    customer = platform.customer(acme)
    name = platform.subscribe(customer)
    platform.give_card(customer, FAILS)
    platform.wait(days=31, hours=2)
    found = refresh_subscription(name)
    assert (found.status, access(acme)) == ("past_due", ("team", "grace"))
    since = found.past_due_since
    assert since is not None
    assert Client.objects.get(pk=acme.id).access_until == since + timedelta(days=7)
    platform.wait(days=3)
    assert refresh_subscription(name).past_due_since == since
    standings.after_change(found, found, now=since + timedelta(days=7))
    assert access(acme) == ("team", "read_only")
    platform.give_card(customer, "pm_card_visa")
    platform.call("invoices.pay", found.latest_invoice)
    assert refresh_subscription(name).past_due_since is None
    assert access(acme) == ("team", "full")


@pytest.mark.parametrize(
    ("after_retries", "status", "left"),
    [("unpaid", "unpaid", "read_only"), ("cancel", "canceled", "closed")],
)
def test_a_card_that_goes_on_failing_ends_as_the_account_says(
    platform: Platform, acme: Tenant, after_retries: str, status: str, left: str
) -> None:
    platform.world.settings.after_retries = after_retries
    customer = platform.customer(acme)
    name = platform.subscribe(customer)
    refresh_subscription(name)
    platform.give_card(customer, FAILS)
    platform.wait(days=31 + 3 + 5 + 7 + 1)
    assert refresh_subscription(name).status == status
    assert access(acme) == ("team", left)


def test_an_end_closes_once_and_a_late_event_closes_nothing(platform: Platform, acme: Tenant) -> None:
    customer = platform.customer(acme)
    old = platform.subscribe(customer)
    refresh_subscription(old)
    platform.call("subscriptions.cancel", old)
    new = platform.subscribe(customer, "business")
    assert refresh_subscription(new).is_open, "the new one may be heard of first"
    assert (refresh_subscription(old).status, access(acme)) == ("canceled", ("business", "full"))
    platform.call("subscriptions.cancel", new)
    refresh_subscription(new)
    assert access(acme) == ("business", "closed")
    set_standing(client_id=acme.id, actor=Actor.system("t"), reason="Free", plan="free", access="full")
    refresh_subscription(new)
    assert access(acme) == ("free", "full")


def test_a_first_payment_that_never_comes_leaves_a_tenant_as_it_was(platform: Platform, acme: Tenant) -> None:
    customer = platform.customer(acme, FAILS)
    name = platform.subscribe(customer)
    assert refresh_subscription(name).status == "incomplete"
    assert access(acme)[1] == "full"
    before = access(acme)
    platform.wait(days=1, hours=1)
    assert refresh_subscription(name).status == "incomplete_expired"
    assert access(acme) == before


def test_invoices_are_mirrored_with_what_each_line_is_about(platform: Platform, acme: Tenant) -> None:
    customer = platform.customer(acme)
    subscription = refresh_subscription(platform.subscribe(customer))
    invoice = refresh_invoice(subscription.latest_invoice)
    assert (invoice.status, invoice.total, invoice.amount_remaining) == ("paid", Decimal(39), Decimal(0))
    assert (invoice.subscription, invoice.reason) == (subscription.stripe_id, "subscription_create")
    assert [(line["of"], line["amount"]) for line in invoice.lines] == [("base", "39.00")]
    assert invoice.number
    assert invoice.hosted_url
    assert invoice.paid_at
    assert refresh_invoice(subscription.latest_invoice).pk == invoice.pk


def test_what_is_not_ours_is_left_alone(platform: Platform, acme: Tenant) -> None:
    stranger = platform.call("customers.create", name="Stranger").id
    base = stripe_prices(newest("team"))["base"]
    theirs = {"customer": stranger, "items": [{"price": base}], "trial_period_days": 1}
    name = platform.call("subscriptions.create", **theirs).id
    with pytest.raises(Unknown, match="No tenant has the customer cus_"):
        refresh_subscription(name)
    with pytest.raises(Unknown):
        refresh_customer(stranger)
    foreign = platform.call(
        "prices.create",
        product=PublishedPlan.objects.get(key="team", number=2).product,
        currency="eur",
        unit_amount=1,
        recurring={"interval": "month"},
    ).id
    customer = platform.customer(acme)
    other = platform.call("subscriptions.create", customer=customer.stripe_id, items=[{"price": foreign}]).id
    with pytest.raises(Unknown, match="no price that we sell"):
        refresh_subscription(other)
    assert not Subscription.objects.exists()
    assert "no price that we sell" in Case.objects.get().text


def test_a_second_open_subscription_is_a_matter_for_operators(platform: Platform, acme: Tenant) -> None:
    customer = platform.customer(acme)
    refresh_subscription(platform.subscribe(customer))
    with pytest.raises(Unknown, match="is open besides"):
        refresh_subscription(platform.subscribe(customer, "business"))
    assert (Subscription.objects.get().plan, access(acme)) == ("team", ("team", "full"))
    assert Case.objects.get().kind == "second_subscription"


def test_a_customer_deleted_at_stripe_closes_the_tenant_and_tells_operators(
    platform: Platform, acme: Tenant
) -> None:
    customer = platform.customer(acme)
    refresh_subscription(platform.subscribe(customer))
    platform.call("customers.delete", customer.stripe_id)
    assert refresh_customer(customer.stripe_id).deleted_at
    assert (access(acme), Case.objects.get().kind) == (("team", "closed"), "customer_deleted")
    assert Customer.objects.get().tenant == acme.schema
