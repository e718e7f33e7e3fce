"""Subscriptions over simulated months: periods, use, trials, changes, cards that fail, and the end."""

from typing import Any

import pytest
import stripe as package

from billing.simulator.world import World
from tests.billing.simulator.account import START, Account, moment


@pytest.fixture
def account(stripe: Any) -> Account:
    return Account(stripe)


def period(found: Any) -> tuple[int, int]:
    item = found["items"].data[0]
    return item.current_period_start, item.current_period_end


def test_a_month_ends_on_the_last_day_and_the_31st_comes_back(account: Account):
    found = account.subscribe(account.price())
    assert (found.status, found.billing_mode.type, period(found)) == (
        "active",
        "flexible",
        (START, moment(2026, 2, 28)),
    )
    account.wait(until=moment(2026, 3, 1))
    assert period(account.subscription(found)) == (moment(2026, 2, 28), moment(2026, 3, 31))
    assert account.invoices() == [("subscription_create", "paid", 1000), ("subscription_cycle", "paid", 1000)]


def test_use_is_charged_afterwards_with_what_came_within_the_hour(account: Account):
    found = account.subscribe(account.price(), account.metered())
    account.use(150)
    account.wait(until=moment(2026, 2, 28, 12) + 60)
    draft = account.invoice(found)
    assert (draft.status, draft.total, draft.auto_advance) == ("draft", 1000 + 25, True)
    account.use(50, at=moment(2026, 2, 28, 11))
    account.use(1000, at=moment(2026, 2, 28, 12))
    account.wait(hours=1)
    final = account.invoice(found)
    assert (final.status, final.total, final.number[-4:]) == ("paid", 1000 + 50, "0002")
    lines = [
        (line.amount, line.quantity, line.parent.subscription_item_details.proration) for line in final.lines
    ]
    assert sorted(lines) == [(0, 100, False), (50, 100, False), (1000, 1, False)]
    assert account.happened("invoice.")[-4:] == [
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


@pytest.mark.parametrize(
    ("shape", "quantity", "amount"),
    [
        ({"unit_amount_decimal": "0.015"}, 100, 2),
        ({"unit_amount": 700, "transform_quantity": {"divide_by": 1000, "round": "up"}}, 1001, 1400),
        ({"unit_amount": 700, "transform_quantity": {"divide_by": 1000, "round": "down"}}, 1999, 700),
        ({"mode": "volume"}, 10, 10 * 10),
        ({"mode": "volume"}, 11, 11 * 5 + 300),
        ({"mode": "graduated"}, 11, 10 * 10 + 5 + 300),
    ],
)
def test_a_quantity_costs_what_its_price_says(account: Account, shape: dict[str, Any], quantity, amount):
    tiers = [{"up_to": 10, "unit_amount": 10}, {"up_to": "inf", "unit_amount": 5, "flat_amount": 300}]
    if "mode" in shape:
        shape = {"billing_scheme": "tiered", "tiers_mode": shape["mode"], "tiers": tiers}
    found = account.subscribe(account.metered(**shape))
    account.use(quantity)
    preview = account.stripe.v1.invoices.create_preview({"subscription": found.id})
    assert (preview.total, preview.id[:8]) == (amount, "upcoming")


def test_a_change_is_charged_pro_rata_and_the_preview_says_the_same(account: Account):
    small, large = account.price(1000), account.price(4000)
    found = account.subscribe(small)
    account.wait(until=moment(2026, 2, 14))
    item = {"id": found["items"].data[0].id, "price": large}
    half = {"items": [item], "proration_behavior": "always_invoice"}
    preview = account.stripe.v1.invoices.create_preview(
        {"subscription": found.id, "subscription_details": half}
    )
    assert [line.amount for line in preview.lines] == [-500, 2000]
    changed = account.stripe.v1.subscriptions.update(found.id, half)
    assert changed["items"].data[0].price.id == large
    invoice = account.invoice(found)
    assert (invoice.total, invoice.status, invoice.billing_reason) == (
        preview.total,
        "paid",
        "subscription_update",
    )
    account.stripe.v1.subscriptions.update(found.id, {"items": [{**item, "price": small}]})
    account.wait(until=moment(2026, 3, 1))
    assert account.invoice(found).total == 1000 - 2000 + 500 + 0
    assert account.stripe.v1.customers.retrieve(account.customer).balance == -500


def test_use_before_a_change_of_price_is_charged_by_the_old_one(account: Account):
    old, new = account.metered(unit_amount=10), account.metered(unit_amount=1)
    found = account.subscribe(old)
    account.use(7)
    account.wait(days=10)
    change = {"items": [{"id": found["items"].data[0].id, "price": new}]}
    account.stripe.v1.subscriptions.update(found.id, change)
    account.use(5)
    account.wait(until=moment(2026, 3, 1))
    assert account.invoice(found).total == 70 + 5


def test_a_trial_tells_of_its_end_and_then_costs(account: Account):
    found = account.subscribe(account.price(), account.metered(), trial_period_days=14)
    assert (found.status, account.invoice(found).total) == ("trialing", 0)
    account.use(1000)
    account.wait(days=12)
    assert "customer.subscription.trial_will_end" in account.happened()
    account.wait(days=3)
    assert account.subscription(found).status == "active"
    assert account.invoices() == [("subscription_create", "paid", 0), ("subscription_cycle", "paid", 1000)]


@pytest.mark.parametrize(
    ("behavior", "status", "event"),
    [
        ("pause", "paused", "customer.subscription.paused"),
        ("cancel", "canceled", "customer.subscription.deleted"),
    ],
)
def test_a_trial_without_a_card_ends_as_it_was_told(stripe: Any, behavior, status, event):
    account = Account(stripe, card=None)
    ending = {"end_behavior": {"missing_payment_method": behavior}}
    found = account.subscribe(account.price(), trial_period_days=7, trial_settings=ending)
    account.wait(days=8)
    assert account.subscription(found).status == status
    assert event in account.happened()
    if behavior == "pause":
        account.set_card("pm_card_visa")
        assert stripe.v1.subscriptions.resume(found.id).status == "active"


@pytest.mark.parametrize(
    ("after", "status"), [("cancel", "canceled"), ("unpaid", "unpaid"), ("past_due", "past_due")]
)
def test_a_card_that_fails_is_tried_again_and_then_given_up(account: Account, world: World, after, status):
    world.settings.after_retries = after
    found = account.subscribe(account.price())
    account.set_card("pm_card_chargeCustomerFail")
    account.wait(until=moment(2026, 2, 28, 14))
    invoice = account.invoice(found)
    assert (account.subscription(found).status, invoice.attempt_count) == ("past_due", 1)
    assert invoice.next_payment_attempt == moment(2026, 2, 28, 13) + 3 * 86400
    assert account.stripe.v1.customers.retrieve(account.customer).delinquent
    account.wait(days=3 + 5 + 7)
    assert (account.subscription(found).status, account.invoice(found).attempt_count) == (status, 4)
    assert account.happened().count("invoice.payment_failed") == 4


def test_a_new_card_and_a_payment_make_it_active_again(account: Account):
    found = account.subscribe(account.price())
    account.set_card("pm_card_chargeCustomerFail")
    account.wait(until=moment(2026, 2, 28, 14))
    invoice = account.subscription(found).latest_invoice
    with pytest.raises(package.CardError, match="declined"):
        account.stripe.v1.invoices.pay(invoice)
    account.set_card("pm_card_visa")
    assert account.stripe.v1.invoices.pay(invoice).status == "paid"
    assert account.subscription(found).status == "active"
    whole = account.stripe.v1.invoices.retrieve(invoice, {"expand": ["payments.data.payment.payment_intent"]})
    assert whole.payments.data[0].payment.payment_intent.status == "succeeded"


def test_a_first_payment_that_fails_leaves_nothing_or_something_incomplete(stripe: Any):
    account = Account(stripe, card="pm_card_chargeCustomerFail")
    price = account.price()
    with pytest.raises(package.CardError):
        account.subscribe(price, payment_behavior="error_if_incomplete")
    assert stripe.v1.subscriptions.list({"status": "all"}).data == []
    found = account.subscribe(price)
    assert (found.status, account.invoice(found).status) == ("incomplete", "open")
    account.wait(days=1)
    assert account.subscription(found).status == "incomplete_expired"


def test_a_change_that_cannot_be_paid_waits_or_is_dropped(account: Account):
    small, large = account.price(1000), account.price(4000)
    found = account.subscribe(small)
    account.set_card("pm_card_chargeCustomerFail")
    change = {
        "items": [{"id": found["items"].data[0].id, "price": large}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }
    for outcome in ("expired", "applied"):
        waiting = account.stripe.v1.subscriptions.update(found.id, change)
        assert (waiting["items"].data[0].price.id, waiting.status) == (small, "active")
        assert waiting.pending_update.subscription_items[0].price.id == large
        if outcome == "expired":
            account.wait(days=1)
        else:
            account.set_card("pm_card_visa")
            account.stripe.v1.invoices.pay(waiting.latest_invoice)
        assert f"customer.subscription.pending_update_{outcome}" in account.happened()
    assert account.subscription(found)["items"].data[0].price.id == large


def test_the_end_of_the_period_can_be_the_end_and_charges_the_last_use(account: Account):
    found = account.subscribe(account.metered(unit_amount=2))
    ending = account.stripe.v1.subscriptions.update(found.id, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at) == ("active", moment(2026, 2, 28))
    resumed = account.stripe.v1.subscriptions.update(found.id, {"cancel_at_period_end": False})
    assert (resumed.cancel_at, resumed.canceled_at) == (None, None)
    account.stripe.v1.subscriptions.update(found.id, {"cancel_at_period_end": True})
    account.use(30)
    account.wait(until=moment(2026, 3, 1))
    assert account.subscription(found).status == "canceled"
    assert account.invoices()[-1] == ("subscription_cycle", "paid", 60)
    with pytest.raises(package.InvalidRequestError):
        account.stripe.v1.subscriptions.cancel(found.id)


def test_coupons_and_codes_take_off_what_they_say(account: Account):
    coupon = account.stripe.v1.coupons.create({"percent_off": 25, "duration": "once"})
    code = account.stripe.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"}
    )
    found = account.subscribe(account.price(), discounts=[{"promotion_code": code.id}])
    account.wait(until=moment(2026, 3, 1))
    assert account.invoices() == [("subscription_create", "paid", 750), ("subscription_cycle", "paid", 1000)]
    first = account.stripe.v1.invoices.list({"subscription": found.id}).data[-1]
    assert [each.amount for each in first.total_discount_amounts] == [250]


def test_a_schedule_changes_the_plan_at_the_period_s_end(account: Account):
    large, small = account.price(4000), account.price(1000)
    found = account.subscribe(large)
    schedules = account.stripe.v1.subscription_schedules
    schedule = schedules.create({"from_subscription": found.id})
    phase = schedule.phases[0]
    first = {
        "items": [{"price": large, "quantity": 1}],
        "start_date": phase.start_date,
        "end_date": phase.end_date,
    }
    second = {"items": [{"price": small}], "duration": {"interval": "month"}, "proration_behavior": "none"}
    schedules.update(schedule.id, {"phases": [first, second], "end_behavior": "release"})
    account.wait(until=moment(2026, 3, 1))
    assert account.subscription(found)["items"].data[0].price.id == small
    assert account.invoices()[-1] == ("subscription_cycle", "paid", 1000)
    account.wait(until=moment(2026, 4, 15))
    assert (schedules.retrieve(schedule.id).status, account.subscription(found).schedule) == (
        "released",
        None,
    )


def test_a_sent_invoice_becomes_overdue(account: Account):
    found = account.subscribe(account.price(), collection_method="send_invoice", days_until_due=10)
    assert (found.status, account.invoice(found).status) == ("active", "open")
    account.wait(days=11)
    assert ("invoice.overdue" in account.happened(), account.subscription(found).status) == (True, "past_due")


def test_an_invoice_by_hand_is_paid_refunded_and_credited(account: Account):
    v1 = account.stripe.v1
    v1.invoice_items.create(
        {"customer": account.customer, "amount": 500, "currency": "usd", "description": "Help"}
    )
    draft = v1.invoices.create({"customer": account.customer, "pending_invoice_items_behavior": "include"})
    paid = v1.invoices.pay(draft.id)
    assert (draft.status, paid.status, paid.total) == ("draft", "paid", 500)
    intent = v1.payment_intents.list({"customer": account.customer}).data[0]
    refund = v1.refunds.create({"payment_intent": intent.id, "amount": 200})
    assert (refund.status, refund.amount) == ("succeeded", 200)
    with pytest.raises(package.InvalidRequestError, match="greater than unrefunded"):
        v1.refunds.create({"payment_intent": intent.id, "amount": 301})
