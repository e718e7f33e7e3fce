"""The hosted pages, clicked by a reader of forms: checkout, the bank's question, portal, invoice."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest

from billing.simulator.server import Server
from tests.billing.simulator.account import Account

GOOD, DECLINED, PROOF = "4242424242424242", "4000000000000002", "4000002760003184"
SAVED_ONLY = "4000000000000341"
EXPAND = ["subscription", "line_items", "customer.tax_ids"]


@pytest.fixture
def account(stripe: Any) -> Account:
    return Account(stripe, card=None)


@pytest.fixture
def web(server: Server) -> Any:
    with httpx.Client(base_url=server.address) as client:
        yield client


def title(answer: httpx.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert found is not None
    return unescape(found[1])


def problem(answer: httpx.Response) -> str:
    found = re.search(r'<p role="alert">(.*?)</p>', answer.text)
    return unescape(found[1]) if found else ""


def session(account: Account, **more: Any) -> Any:
    params = {
        "mode": "subscription",
        "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
        **more,
    }
    return account.stripe.v1.checkout.sessions.create(params)


def test_somebody_subscribes_after_a_card_that_was_declined(account: Account, web: httpx.Client):
    items = [{"price": account.price(), "quantity": 2}, {"price": account.metered()}]
    code = account.stripe.v1.coupons.create({"percent_off": 50, "duration": "once"}).id
    account.stripe.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": code}, "code": "HALF"}
    )
    made = session(account, line_items=items, allow_promotion_codes=True, tax_id_collection={"enabled": True})
    assert made.amount_total == 2000
    page = web.get(made.url)
    assert (page.status_code, title(page)) == (200, "Checkout")
    assert "20.00 USD" in page.text
    fields = {"email": "<b>@acme.example", "card": DECLINED, "promotion_code": "HALF"}
    refused = web.post(made.url, data=fields)
    assert (refused.status_code, problem(refused)) == (422, "Your card was declined.")
    assert "&lt;b&gt;@acme.example" in refused.text
    assert account.stripe.v1.customers.list().data[0].id == account.customer
    assert problem(web.post(made.url, data={**fields, "promotion_code": "NONE", "card": GOOD})).startswith(
        "This promotion"
    )
    done = web.post(made.url, data={**fields, "card": GOOD, "tax_id": "DE1", "tax_id_type": "eu_vat"})
    assert done.headers["Location"] == f"https://shop.example/done?s={made.id}"
    bought = account.stripe.v1.checkout.sessions.retrieve(made.id, {"expand": EXPAND})
    assert (bought.status, bought.payment_status, bought.amount_total) == ("complete", "paid", 1000)
    assert (bought.subscription.status, len(bought.line_items.data)) == ("active", 2)
    assert bought.customer.tax_ids.data[0].value == "DE1"
    assert account.happened("checkout") == ["checkout.session.completed"]
    assert title(web.get(made.url or f"/c/pay/{made.id}")) == "This session is over"


@pytest.mark.parametrize("answer", ["fail", "complete"])
def test_a_card_that_asks_for_proof_asks_for_it(account: Account, web: httpx.Client, answer):
    made = session(account, line_items=[{"price": account.price(), "quantity": 1}], customer=account.customer)
    asked = web.post(made.url, data={"card": PROOF})
    assert title(web.get(asked.headers["Location"])) == "Your bank asks"
    after = web.post(asked.headers["Location"], data={"form": answer})
    found = account.stripe.v1.subscriptions.list({"status": "all"}).data
    if answer == "fail":
        assert problem(after).startswith("We are unable to authenticate")
        assert found == []
    else:
        assert after.status_code == 303
        assert [each.status for each in found] == ["active"]


def test_a_trial_needs_no_card_if_none_is_asked_for(account: Account, web: httpx.Client):
    data = {"trial_period_days": 14, "metadata": {"tenant": "acme"}}
    made = session(
        account,
        line_items=[{"price": account.price(), "quantity": 1}],
        customer=account.customer,
        subscription_data=data,
        payment_method_collection="if_required",
    )
    assert "No card for now" in web.get(made.url).text
    assert web.post(made.url, data={"card": ""}).status_code == 303
    [found] = account.stripe.v1.subscriptions.list().data
    assert (found.status, found.metadata.tenant) == ("trialing", "acme")


def test_a_session_expires_and_a_card_can_be_saved_alone(account: Account, web: httpx.Client):
    gone = session(account, line_items=[{"price": account.price(), "quantity": 1}])
    assert account.stripe.v1.checkout.sessions.expire(gone.id).status == "expired"
    made = session(account, mode="setup", customer=account.customer, currency="usd")
    assert web.post(made.url, data={"card": GOOD}).status_code == 303
    saved = account.stripe.v1.checkout.sessions.retrieve(made.id, {"expand": ["setup_intent"]})
    assert (saved.setup_intent.status, saved.setup_intent.customer) == ("succeeded", account.customer)


def test_the_portal_changes_the_card_cancels_and_keeps(account: Account, web: httpx.Client):
    account.set_card("pm_card_visa")
    found = account.subscribe(account.price())
    portal = account.stripe.v1.billing_portal.sessions
    made = portal.create({"customer": account.customer, "return_url": "https://shop.example/billing"})
    page = web.get(made.url)
    for text in (
        "Visa ending in 4242",
        "Renews on 28 February 2026.",
        "10.00 USD",
        "https://shop.example/billing",
    ):
        assert text in page.text
    assert problem(web.post(made.url, data={"form": "card", "card": DECLINED})) == "Your card was declined."
    assert web.post(made.url, data={"form": "card", "card": SAVED_ONLY}).status_code == 303
    for form, ends in (("cancel", True), ("keep", False)):
        web.post(made.url, data={"form": form, "subscription": found.id})
        assert account.subscription(found).cancel_at_period_end is ends
    assert (
        web.post(made.url, data={"form": "tax_id", "tax_id": "DE2", "tax_id_type": "eu_vat"}).status_code
        == 303
    )
    assert "DE2" in web.get(made.url).text
    account.wait(days=29)
    assert account.subscription(found).status == "past_due"
    update = {
        "type": "payment_method_update",
        "after_completion": {"type": "redirect", "redirect": {"return_url": "https://shop.example/ok"}},
    }
    flow = portal.create({"customer": account.customer, "flow_data": update})
    assert (
        web.post(flow.url, data={"form": "card", "card": GOOD}).headers["Location"]
        == "https://shop.example/ok"
    )


def test_an_open_invoice_is_paid_on_its_page_and_is_a_pdf(account: Account, web: httpx.Client):
    account.set_card("pm_card_visa")
    found = account.subscribe(account.price())
    account.set_card("pm_card_chargeCustomerFail")
    account.wait(days=29)
    invoice = account.invoice(found)
    assert "Still to pay" in web.get(invoice.hosted_invoice_url).text
    assert problem(web.post(invoice.hosted_invoice_url, data={"card": DECLINED})) == "Your card was declined."
    asked = web.post(invoice.hosted_invoice_url, data={"card": PROOF})
    assert "Paid, thank you." in web.post(asked.headers["Location"], data={"form": "complete"}).text
    assert account.subscription(found).status == "active"
    paper = web.get(invoice.invoice_pdf)
    assert (paper.headers["Content-Type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
    assert web.get("/i/in_gone").status_code == 404


def test_a_plan_change_is_confirmed_in_the_portal(account: Account, web: httpx.Client):
    account.set_card("pm_card_visa")
    small, large = account.price(1000), account.price(4000)
    found = account.subscribe(small)
    confirm = {
        "subscription": found.id,
        "items": [{"id": found["items"].data[0].id, "price": large, "quantity": 1}],
    }
    flow = {"type": "subscription_update_confirm", "subscription_update_confirm": confirm}
    made = account.stripe.v1.billing_portal.sessions.create({"customer": account.customer, "flow_data": flow})
    web.post(made.url, data={"form": "change"})
    assert account.subscription(found)["items"].data[0].price.id == large
    assert account.invoices()[-1] == ("subscription_update", "paid", 3000)
