"""Invoices by hand, their items, credit notes, previews, items of subscriptions, schedules, cards and payments."""

from typing import Any

import pytest
import stripe as package

from billing.simulator.world import DAY
from tests.billing.simulator.account import START, Account, moment


@pytest.fixture
def account(stripe: Any) -> Account:
    return Account(stripe)


def test_items_wait_for_an_invoice_and_change_its_draft(account: Account):
    v1, whose = account.stripe.v1, {"customer": account.customer}
    coupon = v1.coupons.create(
        {"amount_off": 101, "currency": "usd", "duration": "once", "max_redemptions": 1}
    )
    first = v1.invoice_items.create(
        {**whose, "unit_amount_decimal": "33.4", "quantity": 3, "currency": "usd"}
    )
    v1.invoice_items.create({**whose, "pricing": {"price": account.price(250)}, "quantity": 2})
    discounts = [{"coupon": coupon.id}]
    params = {**whose, "pending_invoice_items_behavior": "include", "discounts": discounts}
    draft = v1.invoices.create(params)
    assert (draft.subtotal, draft.total, draft.status) == (600, 499, "draft")
    assert v1.coupons.retrieve(coupon.id).valid is False
    v1.invoice_items.update(first.id, {"amount": 300, "description": "Help"})
    late = v1.invoice_items.create({**whose, "invoice": draft.id, "amount": 7, "currency": "usd"})
    assert v1.invoices.retrieve(draft.id).subtotal == 807
    v1.invoice_items.delete(late.id)
    assert v1.invoice_items.list({**whose, "pending": True}).data == []
    v1.invoices.update(draft.id, {"description": "By hand", "discounts": ""})
    assert len(v1.invoices.line_items.list(draft.id).data) == 2
    issued = v1.invoices.finalize_invoice(draft.id)
    assert (issued.status, issued.total, issued.description) == ("open", 800, "By hand")
    with pytest.raises(package.InvalidRequestError, match="not a draft"):
        v1.invoice_items.delete(first.id)
    with pytest.raises(package.InvalidRequestError, match="must be draft"):
        v1.invoices.delete(draft.id)


def an_open_invoice(account: Account, amount: int = 500, **more: Any) -> Any:
    v1, whose = account.stripe.v1, {"customer": account.customer}
    v1.invoice_items.create({**whose, "amount": amount, "currency": "usd"})
    draft = v1.invoices.create({**whose, "pending_invoice_items_behavior": "include", **more})
    return v1.invoices.finalize_invoice(draft.id)


def test_an_open_invoice_is_sent_voided_given_up_or_paid_elsewhere(account: Account):
    v1 = account.stripe.v1
    sent = an_open_invoice(account, collection_method="send_invoice", days_until_due=5)
    assert (sent.due_date, v1.invoices.send_invoice(sent.id).status) == (START + 5 * DAY, "open")
    assert v1.invoices.void_invoice(sent.id).status == "void"
    lost = an_open_invoice(account)
    assert v1.invoices.mark_uncollectible(lost.id).status == "uncollectible"
    elsewhere = an_open_invoice(account)
    assert v1.invoices.pay(elsewhere.id, {"paid_out_of_band": True}).status == "paid"
    with pytest.raises(package.InvalidRequestError) as paid:
        v1.invoices.pay(elsewhere.id)
    assert paid.value.code == "invoice_already_paid"
    draft = v1.invoices.create({"customer": account.customer})
    assert v1.invoices.delete(draft.id).deleted


def test_credit_notes_lessen_an_open_invoice_and_give_back_a_paid_one(account: Account):
    v1 = account.stripe.v1
    invoice = an_open_invoice(account)
    line = {"type": "invoice_line_item", "invoice_line_item": invoice.lines.data[0].id, "amount": 200}
    assert v1.credit_notes.preview({"invoice": invoice.id, "lines": [line]}).total == 200
    note = v1.credit_notes.create({"invoice": invoice.id, "lines": [line], "memo": "Sorry"})
    assert (note.type, note.number[-6:], v1.invoices.retrieve(invoice.id).amount_remaining) == (
        "pre_payment",
        "-CN-01",
        300,
    )
    v1.credit_notes.void_credit_note(note.id)
    assert v1.invoices.retrieve(invoice.id).amount_remaining == 500
    v1.invoices.pay(invoice.id)
    custom = {"type": "custom_line_item", "unit_amount": 150, "quantity": 1, "description": "Goodwill"}
    v1.credit_notes.create({"invoice": invoice.id, "lines": [custom], "credit_amount": 150})
    assert v1.customers.retrieve(account.customer).balance == -150
    assert an_open_invoice(account).amount_due == 350
    with pytest.raises(package.InvalidRequestError, match="between 1 and 350"):
        v1.credit_notes.create({"invoice": invoice.id, "amount": 400})
    assert [each.total for each in v1.credit_notes.list({"invoice": invoice.id}).data] == [150, 200]
    rest = an_open_invoice(account, 10)
    v1.credit_notes.create({"invoice": rest.id, "amount": 10})
    assert v1.invoices.retrieve(rest.id).status == "paid"


def test_a_preview_of_what_nobody_has_bought_yet(account: Account):
    preview = account.stripe.v1.invoices.create_preview
    items = [{"price": account.price(900), "quantity": 2}, {"price": account.metered()}]
    whose = {"customer": account.customer}
    extra = [{"amount": 50, "currency": "usd", "description": "Setup"}]
    assert preview({**whose, "subscription_details": {"items": items}, "invoice_items": extra}).total == 1850
    trial = {"items": items, "trial_end": START + 5 * DAY}
    assert preview({**whose, "subscription_details": trial}).total == 0
    account.stripe.v1.invoice_items.create({**whose, "amount": 5, "currency": "usd"})
    assert preview(whose).total == 5
    found = account.subscribe(account.price(1000))
    yearly = {"items": [{"id": found["items"].data[0].id, "price": account.price(9000, "year")}]}
    account.wait(until=moment(2026, 2, 14))
    both = preview({"subscription": found.id, "subscription_details": yearly})
    assert sorted(line.amount for line in both.lines) == [-500, 9000]
    changed = account.stripe.v1.subscriptions.update(found.id, yearly)
    assert account.invoice(changed).total == both.total
    assert changed["items"].data[0].current_period_end == moment(2027, 2, 14)
    ending = {"subscription": found.id, "subscription_details": {"cancel_at_period_end": True}}
    assert preview(ending).total == 0


def test_an_anchor_ahead_makes_the_first_period_a_part_and_can_be_moved_to_now(account: Account):
    found = account.subscribe(account.price(1000), billing_cycle_anchor=moment(2026, 2, 14))
    whole, part = moment(2026, 2, 14) - moment(2026, 1, 14), moment(2026, 2, 14) - START
    assert account.invoice(found).total == round(1000 * part / whole)
    account.wait(until=moment(2026, 2, 28))
    moved = account.stripe.v1.subscriptions.update(found.id, {"billing_cycle_anchor": {"type": "now"}})
    assert (account.invoice(moved).total, moved["items"].data[0].current_period_end) == (
        500,
        moment(2026, 3, 28),
    )


def test_single_items_are_added_changed_and_taken_away(account: Account):
    v1 = account.stripe.v1
    found = account.subscribe(account.price(1000))
    account.wait(until=moment(2026, 2, 14))
    seats = v1.subscription_items.create(
        {"subscription": found.id, "price": account.price(200), "quantity": 5}
    )
    v1.subscription_items.update(seats.id, {"quantity": 6, "metadata": {"seats": "6"}})
    assert v1.subscription_items.retrieve(seats.id).metadata.seats == "6"
    assert len(v1.subscription_items.list({"subscription": found.id}).data) == 2
    pending = [row.amount for row in v1.invoice_items.list({"customer": account.customer}).data[::-1]]
    assert pending == [500, -500, 600]
    assert v1.subscription_items.delete(seats.id, {"proration_behavior": "none"}).deleted
    with pytest.raises(package.InvalidRequestError, match="at least one active item"):
        v1.subscription_items.delete(found["items"].data[0].id)
    with pytest.raises(package.APIError, match="does not follow"):
        v1.subscriptions.update(found.id, {"billing_thresholds": {"amount_gte": 5}})


def test_an_end_at_once_charges_use_and_credits_the_rest(account: Account):
    found = account.subscribe(account.price(1000), account.metered(unit_amount=3))
    account.use(20)
    account.wait(until=moment(2026, 2, 14))
    ended = account.stripe.v1.subscriptions.cancel(found.id, {"invoice_now": True, "prorate": True})
    assert (ended.status, ended.cancellation_details.reason) == ("canceled", "cancellation_requested")
    assert account.invoices()[-1] == ("subscription_cycle", "paid", 60 - 500)


def test_a_schedule_begins_later_is_released_or_cancelled(account: Account):
    schedules = account.stripe.v1.subscription_schedules
    month = {"duration": {"interval": "month", "interval_count": 1}}
    phases = [
        {"items": [{"price": account.price(), "quantity": 2}], "trial": True, **month},
        {"items": [{"price": account.price(5)}], **month},
    ]
    later = schedules.create(
        {"customer": account.customer, "start_date": START + DAY, "phases": phases, "end_behavior": "cancel"}
    )
    assert later.status == "not_started"
    account.wait(days=2)
    running = schedules.retrieve(later.id, {"expand": ["subscription"]})
    assert (running.status, running.subscription.status) == ("active", "trialing")
    assert schedules.release(later.id).status == "released"
    other = schedules.create(
        {"customer": account.customer, "start_date": "now", "phases": phases[1:], "end_behavior": "cancel"}
    )
    account.wait(days=40)
    assert schedules.retrieve(other.id).status == "completed"
    third = schedules.create({"customer": account.customer, "start_date": "now", "phases": phases[1:]})
    assert schedules.cancel(third.id).status == "canceled"
    with pytest.raises(package.InvalidRequestError, match="that is canceled"):
        schedules.update(third.id, {"end_behavior": "release"})


def test_cards_are_made_saved_refused_and_taken_away(account: Account):
    v1, whose = account.stripe.v1, {"customer": account.customer}
    made = v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    v1.payment_methods.attach(made.id, whose)
    v1.customers.update(account.customer, {"invoice_settings": {"default_payment_method": made.id}})
    assert v1.payment_methods.detach(made.id).customer is None
    assert v1.customers.retrieve(account.customer).invoice_settings.default_payment_method is None
    with pytest.raises(package.CardError, match="declined"):
        v1.payment_methods.attach("pm_card_chargeDeclined", whose)
    with pytest.raises(package.InvalidRequestError, match="attached to the customer"):
        v1.customers.update(account.customer, {"invoice_settings": {"default_payment_method": made.id}})
    setup = v1.setup_intents.create({**whose, "payment_method": "pm_card_mastercard", "confirm": True})
    assert (setup.status, len(v1.customers.payment_methods.list(account.customer).data)) == ("succeeded", 2)
    waiting = v1.setup_intents.create(whose)
    with pytest.raises(package.CardError):
        v1.setup_intents.confirm(waiting.id, {"payment_method": "pm_card_chargeDeclined"})
    assert v1.setup_intents.cancel(waiting.id).status == "canceled"


def test_payments_of_their_own_succeed_fail_and_end(account: Account):
    v1 = account.stripe.v1
    good, bad, proof = (
        account.set_card(f"pm_card_{name}")
        for name in ("visa", "chargeCustomerFail", "authenticationRequired")
    )
    params = {"amount": 500, "currency": "usd", "customer": account.customer}
    assert (
        v1.payment_intents.create({**params, "payment_method": good, "confirm": True}).status == "succeeded"
    )
    intent = v1.payment_intents.create(params)
    with pytest.raises(package.CardError) as refused:
        v1.payment_intents.confirm(intent.id, {"payment_method": bad})
    assert refused.value.error is not None
    assert refused.value.error.decline_code == "generic_decline"
    assert (
        v1.payment_intents.confirm(intent.id, {"payment_method": proof}).next_action.type == "redirect_to_url"
    )
    assert v1.payment_intents.cancel(intent.id).status == "canceled"


def test_things_are_renamed_disabled_and_deleted(account: Account):
    v1 = account.stripe.v1
    account.price()
    with pytest.raises(package.InvalidRequestError, match="cannot be deleted"):
        v1.products.delete(account.product)
    other = v1.products.create({"name": "Trial", "default_price_data": {"currency": "usd", "unit_amount": 5}})
    assert v1.prices.retrieve(other.default_price).product == other.id
    assert v1.billing.meters.update(account.meter, {"display_name": "Requests"}).display_name == "Requests"
    assert v1.billing.meters.deactivate(account.meter).status == "inactive"
    assert v1.billing.meters.reactivate(account.meter).status == "active"
    tax = v1.customers.tax_ids.create(account.customer, {"type": "ch_vat", "value": "CHE-1"})
    assert v1.customers.tax_ids.delete(account.customer, tax.id).deleted
    assert v1.customers.tax_ids.list(account.customer).data == []
    hook = v1.webhook_endpoints.create({"url": "https://x.example/", "enabled_events": ["*"]})
    assert v1.webhook_endpoints.update(hook.id, {"disabled": True}).status == "disabled"
    assert v1.webhook_endpoints.delete(hook.id).deleted
    where = {"url": "https://x.example/"}
    params = {"name": "x", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["*"]}
    destinations = account.stripe.v2.core.event_destinations
    made = destinations.create({**params, "webhook_endpoint": where})
    assert (destinations.disable(made.id).status, destinations.enable(made.id).status) == (
        "disabled",
        "enabled",
    )
    assert len(destinations.list().data) == 1
    found = account.subscribe(account.price())
    assert v1.test_helpers.test_clocks.delete(account.clock).deleted
    assert account.subscription(found).status == "canceled"
    v1.customers.delete(v1.customers.create().id)
