"""Subscribing, changing, ending and going on, as people do it, against the simulated Stripe with its faults."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from billing import entitlements
from billing.accounts.projecting import refresh_customer, refresh_subscription
from billing.entitlements import Limit
from billing.models import Customer, Deed, Export, PublishedPlan, StripeInvoice, Subscription
from billing.plans.catalogue import newest
from billing.stripe.client import Stripe
from billing.subscriptions import deeds, mending
from billing.subscriptions.problems import (
    AlreadySubscribed,
    CardRefused,
    LookAgain,
    NotForSale,
    NotPossibleNow,
    NotSubscribed,
    OverLimits,
    PaymentNeeded,
    PlanNotOffered,
    StripeAway,
    UnknownCode,
)
from billing.subscriptions.services import (
    apply_promotion_code,
    cancel,
    change_plan,
    continue_on_free,
    drop_pending_change,
    finish_checkout,
    open_stripe_portal,
    preview_change,
    resume,
    set_tax_id,
    start_checkout,
)
from billing.usage.ledger import record_usage
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.errors import DomainError, Invalid, NotFound
from tests.billing.builders import use
from tests.billing.platform import Platform
from tests.clock import Clock
from tests.kills import killed
from tests.races import at_once

OWNER = Actor.system("the owner")
FAILS = "pm_card_chargeCustomerFail"
FAULTS = ["rate_limit", "error_before", "error_after", "cut_before", "cut_after"]


def standing(tenant: Tenant) -> tuple[str, int, str]:
    client = Client.objects.get(pk=tenant.id)
    return client.plan, client.plan_version, client.access


def subscribed(platform: Platform, tenant: Tenant, plan: str = "team", **more: Any) -> Subscription:
    """A tenant with a subscription of a customer whose time can be moved."""
    found = refresh_subscription(platform.subscribe(platform.customer(tenant), plan, **more))
    assert found is not None
    return found


def verbs() -> list[str]:
    with public_context():
        found = AuditEntry.objects.filter(actor_label=OWNER.label).order_by("id")
        return list(found.values_list("verb", flat=True))


def test_from_a_page_at_stripe_to_a_plan_without_any_webhook(platform: Platform, acme: Tenant) -> None:
    use(acme, "orders_placed", 5, hours_ago=0)
    checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
    assert [row.status for row in Export.objects.filter(tenant=acme.schema)] == ["unbilled"]
    session = platform.world.store.get("checkout.session", checkout.id)
    assert session["success_url"].startswith("http://acme.")
    assert session["client_reference_id"] == acme.schema
    assert session["line_items"]["data"][0]["price"]["unit_amount"] == 3900
    assert len(session["line_items"]["data"]) == 6
    assert finish_checkout(tenant=acme, session_id=checkout.id) is None
    assert standing(acme) == ("free", 1, "full")
    platform.pay(checkout)
    use(acme, "orders_placed", 3, hours_ago=0, minute=timezone.now().minute + 1)
    found = finish_checkout(tenant=acme, session_id=checkout.id)
    assert found is not None
    told = Export.objects.filter(tenant=acme.schema, status="waiting")
    assert [row.at < found.started_at for row in told] == [True], "it is not charged"
    assert (found.status, found.plan, standing(acme)) == ("active", "team", ("team", 2, "full"))
    assert (Customer.objects.get().card_last4, StripeInvoice.objects.get().total) == ("4242", Decimal(39))
    assert verbs() == ["billing_customer.bound", "checkout.started"]
    with pytest.raises(AlreadySubscribed, match="Change its plan"):
        start_checkout(tenant=acme, plan="business", actor=OWNER)


def test_a_second_tab_gets_the_same_page_and_another_plan_closes_the_first(
    platform: Platform, acme: Tenant
) -> None:
    one = start_checkout(tenant=acme, plan="team", actor=OWNER)
    assert start_checkout(tenant=acme, plan="team", actor=OWNER) == one
    other = start_checkout(tenant=acme, plan="business", actor=OWNER)
    assert platform.world.store.get("checkout.session", one.id)["status"] == "expired"
    assert platform.count("checkout.session", status="open") == 1
    platform.pay(other)
    with pytest.raises(AlreadySubscribed):
        start_checkout(tenant=acme, plan="team", actor=OWNER)
    assert standing(acme)[0] == "business", "who looked has learned of it"


@pytest.mark.parametrize(("hours", "end"), [(24 * 9, 24 * 9), (30, 48), (-1, None)])
def test_what_is_left_of_a_trial_stays_free(
    platform: Platform, acme: Tenant, hours: int, end: int | None
) -> None:
    now = timezone.now()
    ends = now + timedelta(hours=hours)
    set_standing(client_id=acme.id, actor=OWNER, reason="t", plan="team", plan_version=2, trial_ends_at=ends)
    checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
    platform.pay(checkout)
    found = finish_checkout(tenant=acme, session_id=checkout.id)
    assert found is not None
    assert found.status == ("active" if end is None else "trialing")
    if end is not None:
        assert found.trial_end is not None
        assert abs(found.trial_end - now - timedelta(hours=end)) < timedelta(minutes=1)
    assert Client.objects.get(pk=acme.id).trial_ends_at is None


def test_people_who_click_at_the_same_moment_get_one_customer_and_one_page(
    platform: Platform, acme: Tenant
) -> None:
    clicks = [lambda: start_checkout(tenant=acme, plan="team", actor=OWNER) for _ in range(4)]
    (page,) = {page.id: page for page in at_once(acme, clicks, together=True)}.values()
    assert (platform.count("customer"), platform.count("checkout.session")) == (1, 1)
    platform.pay(page)
    ends = [lambda: cancel(tenant=acme, feedback="unused", actor=OWNER) for _ in range(3)]
    assert all(found.is_ending for found in at_once(acme, ends, together=True))
    assert verbs() == ["billing_customer.bound", "checkout.started", "subscription.cancelled"]


def test_without_the_lock_they_would_get_several(
    platform: Platform, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the proof above turns red."""
    start_checkout(tenant=acme, plan="business", actor=OWNER)

    @contextmanager
    def not_held(**which: str) -> Iterator[Customer]:
        yield Customer.objects.get(**which)

    monkeypatch.setattr("billing.subscriptions.checkouts.held", not_held)
    monkeypatch.setattr("billing.subscriptions.deeds._begun", lambda *given: Deed(key=str(uuid4()), tries=1))
    platform.fail("slow", "/v1/checkout/sessions", times=None, seconds=0.2)
    clicks = [lambda: start_checkout(tenant=acme, plan="team", actor=OWNER) for _ in range(3)]
    pages = at_once(acme, clicks, together=True)
    # On a busy machine one of them may have been told to come again.
    assert len({page.id for page in pages if not isinstance(page, StripeAway)}) > 1


@pytest.mark.parametrize("path", ["/v1/customers", "/v1/checkout/sessions"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_fails_there_is_one_customer_and_one_page(
    platform: Platform, acme: Tenant, fault: str, path: str
) -> None:
    platform.fail(fault, path)
    with pytest.raises(StripeAway) as refusal:
        start_checkout(tenant=acme, plan="team", actor=OWNER)
    assert refusal.value.data["retry_after"]
    checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
    assert (platform.count("customer"), platform.count("checkout.session")) == (1, 1)
    platform.pay(checkout)
    assert finish_checkout(tenant=acme, session_id=checkout.id)
    assert (platform.count("subscription"), Deed.objects.filter(status="begun").count()) == (1, 0)


@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whoever_is_killed_at_a_call_is_followed_by_somebody_who_goes_on(
    platform: Platform, acme: Tenant, time: int, *, after: bool
) -> None:
    """The calls: the customer, the page, the end of a subscription."""

    def work() -> None:
        checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
        platform.pay(checkout)
        finish_checkout(tenant=acme, session_id=checkout.id)
        cancel(tenant=acme, feedback="unused", actor=OWNER)

    if time < 3:
        killed(work, at=(Stripe, "send"), after=after, time=time)
        work()
    else:
        checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
        platform.pay(checkout)

        def end() -> None:
            cancel(tenant=acme, feedback="unused", actor=OWNER)

        killed(end, at=(Stripe, "send"), after=after)
        end()
    assert (platform.count("customer"), platform.count("subscription")) == (1, 1)
    found = Subscription.objects.get()
    assert found.is_ending
    assert verbs().count("subscription.cancelled") == 1


def test_what_was_cut_off_and_never_tried_again_is_taken_over(platform: Platform, acme: Tenant) -> None:
    platform.fail("cut_after", "/v1/customers")
    with pytest.raises(StripeAway):
        start_checkout(tenant=acme, plan="team", actor=OWNER)
    later = timezone.now() + timedelta(minutes=6)
    assert (mending.mend_deeds(timezone.now()), mending.mend_deeds(later)) == (0, 1)
    assert Customer.objects.get(tenant=acme.schema).stripe_id
    platform.pay(start_checkout(tenant=acme, plan="team", actor=OWNER))
    platform.fail("cut_after", "/v1/subscriptions/sub_.*")
    with pytest.raises(StripeAway):
        cancel(tenant=acme, feedback="other", actor=OWNER)
    assert mending.mend_deeds(later) == 1
    assert Subscription.objects.get().is_ending
    assert not Deed.objects.filter(status="begun").exists()


def test_a_dearer_plan_begins_at_once_and_costs_what_was_shown(
    platform: Platform, acme: Tenant, clock: Clock
) -> None:
    def days_pass(days: float) -> None:
        platform.wait(days=days)
        clock.forward(days=days)

    found = subscribed(platform, acme, "team", version=1)
    assert (found.plan_version, standing(acme)) == (1, ("team", 1, "full")), "it is kept"
    days_pass(5)
    with unit_of_work(acme):
        record_usage(meter="orders_placed", quantity=1500, idempotency_key="x", at=clock.now())
    days_pass(5)
    shown = preview_change(tenant=acme, plan="business")
    assert (shown.is_at_once, shown.before.number, shown.currency) == (True, 1, "EUR")
    prorated = [line.amount for line in shown.lines if line.is_proration]
    assert (len(prorated), prorated[0] < 0 < prorated[1]) == (2, True)
    used = [line.amount for line in shown.lines if line.of == "orders_placed"]
    assert sum(used) == Decimal(30), "a thousand beyond the five hundred, by the old price"
    changed = change_plan(tenant=acme, plan="business", token=shown.token, actor=OWNER)
    assert (changed.plan, standing(acme)) == ("business", ("business", 1, "full"))
    assert len(changed.items) == 6
    invoice = StripeInvoice.objects.get(stripe_id=changed.latest_invoice)
    assert (invoice.total, invoice.status) == (shown.due_now, "paid")
    with pytest.raises(NotPossibleNow, match="newest version already"):
        preview_change(tenant=acme, plan="business")


def test_a_change_is_what_was_shown_or_nothing(platform: Platform, acme: Tenant, globex: Tenant) -> None:
    subscribed(platform, acme)
    shown = preview_change(tenant=acme, plan="business")
    for token in ("nonsense", shown.token + "x"):
        with pytest.raises(LookAgain):
            change_plan(tenant=acme, plan="business", token=token, actor=OWNER)
    subscribed(platform, globex)
    with pytest.raises(LookAgain):
        change_plan(tenant=globex, plan="business", token=shown.token, actor=OWNER)
    assert {row.plan for row in Subscription.objects.all()} == {"team"}


def test_a_card_that_fails_leaves_the_plan_until_the_invoice_is_paid(
    platform: Platform, acme: Tenant
) -> None:
    subscribed(platform, acme)
    platform.give_card(Customer.objects.get(), FAILS)
    shown = preview_change(tenant=acme, plan="business")
    with pytest.raises(PaymentNeeded, match="Pay the invoice within 23 hours") as refusal:
        change_plan(tenant=acme, plan="business", token=shown.token, actor=OWNER)
    found = Subscription.objects.get()
    assert (found.plan, found.pending_plan, standing(acme)[0]) == ("team", "business", "team")
    assert refusal.value.data["url"] == StripeInvoice.objects.get().hosted_url
    platform.give_card(Customer.objects.get(), "pm_card_visa")
    platform.call("invoices.pay", found.latest_invoice)
    refresh_subscription(found.stripe_id)
    assert standing(acme)[0] == "business"


def test_a_cheaper_plan_begins_with_the_next_period_unless_it_is_dropped(
    platform: Platform, acme: Tenant
) -> None:
    found = subscribed(platform, acme, "business")

    def change() -> Subscription:
        shown = preview_change(tenant=acme, plan="team")
        assert (shown.is_at_once, shown.effective_at, shown.due_now) == (False, found.period_end, Decimal(0))
        assert shown.total == Decimal(39)
        return change_plan(tenant=acme, plan="team", token=shown.token, actor=OWNER)

    waits = change()
    assert (waits.plan, waits.pending_plan, waits.pending_at) == ("business", "team", found.period_end)
    dropped = drop_pending_change(tenant=acme, actor=OWNER)
    assert (dropped.pending_plan, dropped.schedule) == ("", "")
    change()
    platform.wait(days=32)
    after = refresh_subscription(found.stripe_id)
    assert after is not None
    assert (after.plan, after.plan_version, after.pending_plan) == ("team", newest("team").number, "")
    assert standing(acme) == ("team", 2, "full")
    assert after.schedule, "Stripe lets it go a month later"
    assert cancel(tenant=acme, feedback="unused", actor=OWNER).is_ending


@pytest.mark.parametrize("time", [1, 2])
def test_a_later_change_that_was_killed_is_made_once(platform: Platform, acme: Tenant, time: int) -> None:
    """After the schedule was made at Stripe, and after it was told what follows."""
    subscribed(platform, acme, "business")
    token = preview_change(tenant=acme, plan="team").token

    def change() -> Subscription:
        return change_plan(tenant=acme, plan="team", token=token, actor=OWNER)

    killed(change, at=(Stripe, "send"), after=True, time=time)
    assert change().pending_plan == "team"
    assert (platform.count("subscription_schedule"), verbs().count("subscription.plan_changed")) == (1, 1)


def test_a_plan_that_is_too_small_is_refused_with_what_is_over(
    platform: Platform, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed(platform, acme, "business")
    shown = preview_change(tenant=acme, plan="team")
    monkeypatch.setitem(entitlements._counts, Limit.WEBHOOK_ENDPOINTS, lambda: 21)
    told = r"21 webhook endpoints \(allowed: 20\). Remove what is too much"
    with pytest.raises(OverLimits, match=told):
        preview_change(tenant=acme, plan="team")
    with pytest.raises(OverLimits, match=told) as refusal:
        change_plan(tenant=acme, plan="team", token=shown.token, actor=OWNER)
    assert refusal.value.data["over"] == [{"limit": "webhook_endpoints", "used": 21, "allowed": 20}]
    monkeypatch.setitem(entitlements._counts, Limit.WEBHOOK_ENDPOINTS, lambda: 20)
    assert change_plan(tenant=acme, plan="team", token=shown.token, actor=OWNER).pending_plan == "team"


def test_during_a_trial_any_plan_begins_at_once_for_nothing(platform: Platform, acme: Tenant) -> None:
    subscribed(platform, acme, "business", trial_period_days=10)
    shown = preview_change(tenant=acme, plan="team")
    assert (shown.is_at_once, shown.due_now) == (True, Decimal(0))
    changed = change_plan(tenant=acme, plan="team", token=shown.token, actor=OWNER)
    assert (changed.plan, changed.status) == ("team", "trialing")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_that_was_cut_off_is_made_once(platform: Platform, acme: Tenant, fault: str) -> None:
    subscribed(platform, acme)
    shown = preview_change(tenant=acme, plan="business")
    platform.fail(fault, "/v1/subscriptions/sub_.*")
    with pytest.raises(StripeAway):
        change_plan(tenant=acme, plan="business", token=shown.token, actor=OWNER)
    found = change_plan(tenant=acme, plan="business", token=shown.token, actor=OWNER)
    assert (found.plan, verbs().count("subscription.plan_changed")) == ("business", 1)
    assert platform.count("invoice", billing_reason="subscription_update") == 1


def test_an_end_comes_with_the_period_and_can_be_called_off(platform: Platform, acme: Tenant) -> None:
    found = subscribed(platform, acme)
    with pytest.raises(Invalid, match="Say why, by one of"):
        cancel(tenant=acme, feedback="", actor=OWNER)
    with pytest.raises(NotPossibleNow, match="Nobody has cancelled"):
        resume(tenant=acme, actor=OWNER)
    ending = cancel(tenant=acme, feedback="too_expensive", comment="Too dear for us", actor=OWNER)
    assert (ending.cancel_at, ending.cancel_reason) == (found.period_end, "Too dear for us")
    with pytest.raises(NotPossibleNow, match="Resume it first"):
        preview_change(tenant=acme, plan="business")
    assert resume(tenant=acme, actor=OWNER).cancel_at is None
    cancel(tenant=acme, feedback="unused", actor=OWNER)
    with pytest.raises(NotPossibleNow, match="Cancel it: it ends"):
        continue_on_free(tenant=acme, actor=OWNER)
    platform.wait(days=32)
    refresh_subscription(found.stripe_id)
    assert standing(acme) == ("team", 2, "closed")
    with pytest.raises(NotSubscribed):
        resume(tenant=acme, actor=OWNER)
    continue_on_free(tenant=acme, actor=OWNER)
    assert standing(acme) == ("free", 1, "full")
    assert verbs()[:3] == ["subscription.cancelled", "subscription.resumed", "subscription.cancelled"]


def test_who_was_closed_can_subscribe_again_as_the_same_customer(platform: Platform, acme: Tenant) -> None:
    checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
    platform.pay(checkout)
    first = finish_checkout(tenant=acme, session_id=checkout.id)
    assert first is not None
    platform.call("subscriptions.cancel", first.stripe_id)
    refresh_subscription(first.stripe_id)
    assert standing(acme)[2] == "closed"
    checkout = start_checkout(tenant=acme, plan="business", actor=OWNER)
    platform.pay(checkout)
    finish_checkout(tenant=acme, session_id=checkout.id)
    assert (platform.count("customer"), standing(acme)) == (1, ("business", 1, "full"))


def test_who_was_deleted_at_stripe_can_come_back_as_another_customer(
    platform: Platform, acme: Tenant
) -> None:
    subscribed(platform, acme)
    old = Customer.objects.get().stripe_id
    platform.call("customers.delete", old)
    refresh_customer(old)
    assert standing(acme)[2] == "closed"
    checkout = start_checkout(tenant=acme, plan="team", actor=OWNER)
    platform.pay(checkout)
    finish_checkout(tenant=acme, session_id=checkout.id)
    assert (Customer.objects.get().stripe_id == old, standing(acme)[2]) == (False, "full")


def test_codes_numbers_and_cards(platform: Platform, acme: Tenant) -> None:
    subscribed(platform, acme)
    with pytest.raises(UnknownCode, match="no code 'WINTER'"):
        apply_promotion_code(tenant=acme, code="WINTER", actor=OWNER)
    platform.promotion("SPRING")
    found = apply_promotion_code(tenant=acme, code="SPRING", actor=OWNER)
    assert [(each["name"], Decimal(each["percent"])) for each in found.discounts] == [("20 %", Decimal(20))]
    assert apply_promotion_code(tenant=acme, code="SPRING", actor=OWNER).discounts == found.discounts
    platform.promotion("SUMMER", 50)
    with pytest.raises(NotPossibleNow, match="a discount already: 20 %"):
        apply_promotion_code(tenant=acme, code="SUMMER", actor=OWNER)

    def numbers(kind: str, value: str) -> list[tuple[str, str]]:
        customer = set_tax_id(tenant=acme, kind=kind, value=value, actor=OWNER)
        return [(each["type"], each["value"]) for each in customer.tax_ids]

    assert numbers("eu_vat", "de123456789") == [("eu_vat", "DE123456789")]
    assert numbers("gb_vat", "GB123456789") == [("gb_vat", "GB123456789")]
    for kind, value, field in (("eu_vat", "12", "value"), ("xx_vat", "DE1", "kind")):
        with pytest.raises(Invalid) as refusal:
            numbers(kind, value)
        assert refusal.value.field == field
    assert numbers("", "") == []
    assert open_stripe_portal(tenant=acme, actor=OWNER).startswith(platform.server.address)


@pytest.mark.parametrize(
    ("deed", "error", "text"),
    [
        (lambda t: start_checkout(tenant=t, plan="free", actor=OWNER), PlanNotOffered, "team, business"),
        (
            lambda t: start_checkout(tenant=t, plan="gold", actor=OWNER),
            PlanNotOffered,
            "'gold' is not a plan",
        ),
        (lambda t: preview_change(tenant=t, plan="team"), NotSubscribed, "Choose a plan"),
        (lambda t: cancel(tenant=t, feedback="other", actor=OWNER), NotSubscribed, "no subscription"),
        (lambda t: open_stripe_portal(tenant=t, actor=OWNER), NotSubscribed, "no subscription"),
        (lambda t: finish_checkout(tenant=t, session_id="cs_test_no"), NotFound, "no such checkout"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    platform: Platform,
    acme: Tenant,
    deed: Callable[[Tenant], object],
    error: type[DomainError],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        deed(acme)
    assert platform.count("customer") == 0


def test_nothing_is_sold_without_prices_an_account_or_to_a_copy(
    platform: Platform, acme: Tenant, globex: Tenant, settings: Settings
) -> None:
    Client.objects.filter(pk=acme.id).update(sandbox_of=globex.id)
    with pytest.raises(NotPossibleNow, match="A sandbox is never charged"):
        start_checkout(tenant=acme, plan="team", actor=OWNER)
    page = start_checkout(tenant=globex, plan="team", actor=OWNER)
    with pytest.raises(NotFound):
        finish_checkout(tenant=acme, session_id=page.id)
    settings.STRIPE_API_KEY = ""
    with pytest.raises(NotForSale, match="STRIPE_API_KEY is not set"):
        start_checkout(tenant=globex, plan="business", actor=OWNER)
    PublishedPlan.objects.all().delete()
    with pytest.raises(NotForSale, match="sync_plans --apply"):
        start_checkout(tenant=globex, plan="team", actor=OWNER)


def test_a_declined_card_is_told_in_the_bank_s_words(platform: Platform) -> None:
    def charge() -> None:
        platform.stripe.send(
            lambda client: client.v1.payment_methods.attach,
            "pm_card_chargeDeclined",
            key="declined",
            params={"customer": platform.call("customers.create", name="x").id},
        )

    with pytest.raises(CardRefused, match="Your card was declined"):
        with deeds.doing(tenant="t_x", verb="test", params={}, actor=OWNER):
            charge()
    assert Deed.objects.get().status == "refused"
