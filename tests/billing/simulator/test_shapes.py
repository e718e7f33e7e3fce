"""What the simulator answers has the fields and types of Stripe's own example objects."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.simulator.shapes import HIDDEN, class_of, fields_of
from billing.simulator.world import World
from config import env
from tests.billing.simulator.account import Account

EXAMPLES = Path(env.ROOT).parent / "shared/data/stripe/fixtures3.json"
KINDS = """
    customer product price billing.meter billing.meter_event billing.meter_event_summary coupon promotion_code discount
    billing.meter_event_adjustment subscription subscription_item plan invoice line_item invoiceitem invoice_payment
    payment_method payment_intent charge setup_intent refund credit_note tax_id event webhook_endpoint
    test_helpers.test_clock subscription_schedule checkout.session billing_portal.session billing_portal.configuration
""".split()


@pytest.fixture
def answers(stripe: Any, world: World) -> dict[str, Any]:
    """An answer of each kind, from one short life of an account."""
    account, v1 = Account(stripe), stripe.v1
    found: dict[str, Any] = {}

    def keep(answer: Any) -> Any:
        found[answer.object] = answer.to_dict()
        return answer

    keep(v1.customers.tax_ids.create(account.customer, {"type": "eu_vat", "value": "DE1"}))
    coupon = keep(v1.coupons.create({"percent_off": 10, "duration": "forever"}))
    keep(v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}}))
    keep(v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["payout.paid"]}))
    price = account.price()
    subscription = keep(account.subscribe(price, account.metered(), discounts=[{"coupon": coupon.id}]))
    go_on(account, subscription, keep)
    return found


def go_on(account: Account, subscription: Any, keep: Any) -> None:
    v1, customer = account.stripe.v1, account.customer
    keep(v1.products.retrieve(account.product))
    keep(v1.billing.meters.retrieve(account.meter))
    item = subscription["items"].data[0]
    for each in (item, item.price, item.plan):
        keep(each)
    invoice = keep(v1.invoices.retrieve(subscription.latest_invoice, {"expand": ["payments", "discounts"]}))
    for each in (invoice.lines.data[0], invoice.payments.data[0], invoice.discounts[0]):
        keep(each)
    payload = {"stripe_customer_id": customer, "value": "1"}
    event = keep(v1.billing.meter_events.create({"event_name": account.event_name, "payload": payload}))
    minute = event.timestamp // 60 * 60
    window = {"customer": customer, "start_time": minute, "end_time": minute + 60}
    keep(v1.billing.meters.event_summaries.list(account.meter, window).data[0])
    cancel = {"event_name": account.event_name, "type": "cancel", "cancel": {"identifier": event.identifier}}
    keep(v1.billing.meter_event_adjustments.create(cancel))
    keep(v1.invoice_items.create({"customer": customer, "amount": 5, "currency": "usd"}))
    intent = keep(v1.payment_intents.list({"customer": customer}).data[0])
    keep(v1.charges.retrieve(intent.latest_charge))
    keep(v1.credit_notes.create({"invoice": invoice.id, "amount": 100, "refund_amount": 100}))
    keep(v1.refunds.list().data[0])
    keep(v1.customers.retrieve(customer))
    keep(v1.payment_methods.retrieve(intent.payment_method))
    keep(v1.setup_intents.create({"customer": customer}))
    keep(v1.subscription_schedules.create({"from_subscription": subscription.id}))
    line = {"price": account.price(), "quantity": 1}
    keep(
        v1.checkout.sessions.create(
            {"mode": "subscription", "line_items": [line], "success_url": "https://x.example"}
        )
    )
    portal = keep(v1.billing_portal.sessions.create({"customer": customer}))
    keep(v1.billing_portal.configurations.retrieve(portal.configuration))
    keep(v1.test_helpers.test_clocks.retrieve(account.clock))
    keep(v1.events.list().data[0])


def test_every_answer_has_the_fields_and_types_of_stripe_s_example(answers: dict[str, Any]):
    assert set(KINDS) <= answers.keys()
    for kind in KINDS:
        # `null` and absent are one for a reader; a field that the package does not know is a slip.
        assert answers[kind].keys() <= fields_of(class_of(kind)).keys() | {"secret"}, kind
    if not EXAMPLES.exists():
        pytest.skip(
            "Stripe's example objects lie beside the checkout, in ../shared/data/stripe/, and are not there"
        )
    examples = json.loads(EXAMPLES.read_text())["resources"]
    slips = [slip for kind in KINDS for slip in differences(kind, examples[kind], answers[kind])]
    assert slips == []


def differences(kind: str, example: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """Fields that are missing, and values of another type."""
    wanted = (example.keys() & fields_of(class_of(kind)).keys()) - HIDDEN.get(kind, frozenset())
    missing = [f"{kind}.{name} is missing" for name in wanted - answer.keys()]
    both = [(f"{kind}.{name}", example[name], answer[name]) for name in wanted & answer.keys()]
    return missing + [
        f"{where}: {ours!r} is not like {theirs!r}"
        for where, theirs, ours in both
        if not same_type(theirs, ours)
    ]


def same_type(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return True
    if isinstance(other, Decimal):
        # On the wire it is a text; the package makes a number of it.
        return isinstance(one, str)
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    numbers = (int, float)
    return isinstance(other, numbers) if isinstance(one, numbers) else isinstance(other, type(one))
