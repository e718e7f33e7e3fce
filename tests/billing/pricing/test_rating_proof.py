"""Our rating against the invoices that the simulated Stripe would write: RATING_EXAMPLES random prices (500) a run.

The simulator has its own arithmetic (`billing/simulator/rating.py`); what carries ours there is what customers pay by:
the parameters that `sync_plans` sends.
"""

import os
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from stripe import HTTPClient, StripeClient

from billing.meters import METERS
from billing.plans.at_stripe import price_names, price_params
from billing.plans.versions import PlanVersion
from billing.pricing.rating import ZERO, Mode, Price, Terms, Tier, included, prorated, rate
from billing.simulator.service import Request, Simulator
from billing.simulator.world import World
from billing.stripe.client import Stripe

EXAMPLES = int(os.environ.get("RATING_EXAMPLES", os.environ.get("FUZZ_EXAMPLES", "500")))
# So many plans have their bills looked at for the use of one customer.
TOGETHER = 5
BATCHES = -(-EXAMPLES // (TOGETHER * len(METERS)))
CENTS = 100


@dataclass(frozen=True)
class Batch:
    """One customer's use, priced by several plans for a share of a period."""

    used: dict[str, int]
    plans: list[Terms]
    share: Fraction


# From the same few numbers, so that quantities meet the ends of tiers.
counts = st.sampled_from([0, 1, 2, 9, 10, 11, 99, 100, 101, 1_000, 1_001, 12_345]) | st.integers(0, 20_000)
amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 20_000), st.integers(2, 9)
)


@st.composite
def prices(draw: st.DrawFn, meter: str) -> Price:
    """Whatever a plan file may say."""
    mode = draw(st.sampled_from(Mode))
    if mode is Mode.PACKAGE:
        return Price(meter, mode, (Tier(None, draw(amounts)),), package_size=draw(counts) + 1)
    free = draw(counts) if mode is Mode.GRADUATED else 0
    ends: list[int | None] = [end for end in sorted(draw(st.sets(counts, max_size=3))) if end]
    flats = [draw(amounts) if at or free else ZERO for at in range(len(ends) + 1)]
    tiers = [Tier(end, draw(amounts), flat) for end, flat in zip([*ends, None], flats, strict=True)]
    return Price(meter, mode, tuple(tiers), free)


plans = st.builds(
    lambda base, minimum, *found: Terms("EUR", Decimal(base) / CENTS, Decimal(minimum) / CENTS, found),
    st.integers(0, 30_000),
    st.integers(0, 60_000),
    *(prices(meter) for meter in METERS),
)
batches = st.builds(
    Batch,
    used=st.fixed_dictionaries(dict.fromkeys(METERS, counts)),
    plans=st.lists(plans, min_size=TOGETHER, max_size=TOGETHER),
    share=st.just(Fraction(1)) | st.fractions(Fraction(1, 31), 1, max_denominator=31),
)


class InProcess(HTTPClient):
    """The stripe package as it is, with the simulator a function call away: nothing waits for sockets."""

    name = "in process"

    def __init__(self) -> None:
        super().__init__()
        world = World(address="http://here")
        world.settings.meter_events_per_second = 10**6
        self.simulator = Simulator(world)

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        target = urlsplit(url)
        body = (post_data or "").encode()
        named = {name.title(): value for name, value in headers.items()}
        answer = self.simulator.answer(Request(method.upper(), target.path, target.query, body, named))
        return answer.body.decode(), answer.status, {**answer.headers}


@pytest.fixture(scope="module")
def till() -> "Till":
    return Till(Stripe(StripeClient("sk_test_simulator", http_client=InProcess())))


class Till:
    """Has Stripe say what plans and use come to."""

    def __init__(self, stripe: Stripe) -> None:
        self.stripe, self.meters = stripe, dict[str, str]()
        self.send("products.create", id="rowhouse_proof", name="Proof")
        for meter in METERS.values():
            made = self.send(
                "billing.meters.create",
                display_name=meter.title,
                event_name=meter.event_name,
                default_aggregation={"formula": meter.formula},
            )
            self.meters[meter.event_name] = made.id

    def send(self, call: str, **params: Any) -> Any:
        def chosen(client: Any) -> Any:
            found = client.v1
            for name in call.split("."):
                found = getattr(found, name)
            return found

        return self.stripe.send(chosen, key=str(uuid4()), params=params)

    def amounts(self, used: dict[str, int], plans: list[Terms]) -> list[list[tuple[str, Decimal]]]:
        """Of each plan, what its prices come to: the lines of the preview, those of nothing left out."""
        customer = self.send("customers.create", name="Proof").id
        ids: dict[str, str] = {}
        subscriptions = [self.subscribed(customer, terms, ids) for terms in plans]
        for meter, quantity in used.items():
            payload = {"stripe_customer_id": customer, "value": str(quantity)}
            self.send("billing.meter_events.create", event_name=METERS[meter].event_name, payload=payload)
        return [self.preview(subscription, ids) for subscription in subscriptions]

    def subscribed(self, customer: str, terms: Terms, ids: dict[str, str]) -> str:
        return str(self.subscription(customer, self.made(terms, ids)).id)

    def made(self, terms: Terms, ids: dict[str, str]) -> list[dict[str, str]]:
        """The prices of some terms as items of a subscription."""
        version, items = PlanVersion("proof", 1, "Proof", "", terms), []
        for name in price_names(version):
            params = price_params(version, name, self.meters)
            price = self.send(
                "prices.create", **{**params, "product": "rowhouse_proof", "lookup_key": str(uuid4())}
            )
            ids[price.id] = name
            items.append({"price": price.id})
        return items

    def subscription(self, customer: str, items: list[dict[str, str]]) -> Any:
        params = {"collection_method": "send_invoice", "days_until_due": 30, "items": items}
        return self.send("subscriptions.create", customer=customer, **params)

    def preview(self, subscription: str, ids: dict[str, str]) -> list[tuple[str, Decimal]]:
        invoice = self.send("invoices.create_preview", subscription=subscription)
        rows = [
            (ids[line.pricing.price_details.price], Decimal(line.amount) / CENTS)
            for line in invoice.lines.data
        ]
        assert sum(amount for _, amount in rows) * CENTS == invoice.total
        return sorted(row for row in rows if row[1])


def for_share(terms: Terms, share: Fraction) -> Terms:
    """The terms of a part of a period as a plan of its own: Stripe takes no part of what a tier includes."""
    parts = tuple(replace(price, included=included(price, share)) for price in terms.prices)
    return Terms(terms.currency, prorated(terms.base, share), ZERO, parts)


def test_bills_agree_with_stripe_s_invoices_line_by_line(till: Till) -> None:
    seen = Counter[Mode]()

    @settings(max_examples=BATCHES, deadline=None, database=None, phases=[Phase.generate])
    @given(batch=batches)
    def agree(batch: Batch) -> None:
        found = till.amounts(batch.used, [for_share(terms, batch.share) for terms in batch.plans])
        for terms, theirs in zip(batch.plans, found, strict=True):
            bill = rate(terms, batch.used, share=batch.share)
            ours = [(line.what, line.amount) for line in bill.lines if line.amount and line.what != "minimum"]
            assert sorted(ours) == theirs, (terms, batch)
            least = prorated(terms.minimum, batch.share)
            assert bill.total == max(least, sum((amount for _, amount in theirs), ZERO))
            seen.update(price.mode for price in terms.prices)

    agree()
    assert sum(seen.values()) >= EXAMPLES
    assert min(seen[mode] for mode in Mode) > EXAMPLES // 10


@settings(max_examples=-(-EXAMPLES // 20), deadline=None, database=None, phases=[Phase.generate])
@given(old=st.integers(1, 30_000), new=st.integers(1, 30_000), at=st.fractions(0, 1, max_denominator=500))
def test_a_part_of_a_base_price_is_stripe_s_proration(till: Till, old: int, new: int, at: Fraction) -> None:
    """A change of plan in the middle of a period: what is left of the old base comes back, of the new one is due."""
    bases = [Decimal(old) / CENTS, Decimal(new) / CENTS]
    ids: dict[str, str] = {}
    customer = till.send("customers.create", name="Proof").id
    mine, other = (till.made(Terms("EUR", base), ids) for base in bases)
    made = till.subscription(customer, mine)
    (item,) = made["items"].data
    begin, end = item.current_period_start, item.current_period_end
    when = begin + int((end - begin - 1) * at)
    details = {"items": [{"id": item.id, **other[0]}], "proration_date": when}
    invoice = till.send("invoices.create_preview", subscription=made.id, subscription_details=details)
    rest = Fraction(end - when, end - begin)
    found = [line.amount for line in invoice.lines.data if line.parent.type == "invoice_item_details"]
    assert [Decimal(amount) / CENTS for amount in found] == [
        -prorated(bases[0], rest),
        prorated(bases[1], rest),
    ]
