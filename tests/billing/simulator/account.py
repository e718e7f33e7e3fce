"""An account with something to sell, and shorthand for what tests do with it over and over."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from billing.simulator.world import DAY, HOUR

SANDBOX = os.environ.get("STRIPE_SANDBOX_KEY", "")
START = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())


class Account:
    """The stripe package, a test clock, a customer with a good card, a meter and some prices."""

    def __init__(self, stripe: Any, card: str | None = "pm_card_visa") -> None:
        self.stripe = stripe
        self.clock = stripe.v1.test_helpers.test_clocks.create({"frozen_time": START}).id
        self.customer = stripe.v1.customers.create(
            {"test_clock": self.clock, "email": "billing@acme.example"}
        ).id
        self.product = stripe.v1.products.create({"name": "Team"}).id
        # A sandbox remembers meters of earlier runs, and takes its time to count.
        self.event_name = f"calls_{secrets.token_hex(4)}"
        self.pause = 5.0 if SANDBOX else 0.002
        meter = {
            "display_name": "Calls",
            "event_name": self.event_name,
            "default_aggregation": {"formula": "sum"},
        }
        self.meter = stripe.v1.billing.meters.create(meter).id
        if card:
            self.set_card(card)

    def set_card(self, card: str) -> str:
        """Give the customer a card that pays by default."""
        method = self.stripe.v1.payment_methods.attach(card, {"customer": self.customer}).id
        settings = {"invoice_settings": {"default_payment_method": method}}
        self.stripe.v1.customers.update(self.customer, settings)
        return str(method)

    def price(self, amount: int = 1000, interval: str = "month", **more: Any) -> str:
        """A licensed price."""
        params = {"currency": "usd", "product": self.product, "unit_amount": amount, **more}
        return str(self.stripe.v1.prices.create({**params, "recurring": {"interval": interval}}).id)

    def metered(self, **more: Any) -> str:
        """A metered price: the first hundred are free, then half a cent each."""
        tiers = [{"up_to": 100, "flat_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
        shape = more or {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
        recurring = {"interval": "month", "usage_type": "metered", "meter": self.meter}
        params = {"currency": "usd", "product": self.product, "recurring": recurring, **shape}
        return str(self.stripe.v1.prices.create(params).id)

    def subscribe(self, *prices: str, **more: Any) -> Any:
        items = [{"price": price} for price in prices]
        return self.stripe.v1.subscriptions.create({"customer": self.customer, "items": items, **more})

    def use(self, value: int, at: int | None = None) -> None:
        payload = {"stripe_customer_id": self.customer, "value": str(value)}
        more = {} if at is None else {"timestamp": at}
        self.stripe.v1.billing.meter_events.create(
            {"event_name": self.event_name, "payload": payload, **more}
        )

    def wait(self, *, days: float = 0, hours: float = 0, until: int | None = None) -> None:
        """Advance the clock and poll until it has arrived."""
        clocks = self.stripe.v1.test_helpers.test_clocks
        target = until or clocks.retrieve(self.clock).frozen_time + int(days * DAY + hours * HOUR)
        clocks.advance(self.clock, {"frozen_time": target})
        while clocks.retrieve(self.clock).status != "ready":
            time.sleep(self.pause)

    def subscription(self, found: Any) -> Any:
        return self.stripe.v1.subscriptions.retrieve(found.id)

    def invoice(self, found: Any) -> Any:
        """The latest invoice of a subscription."""
        return self.stripe.v1.invoices.retrieve(self.subscription(found).latest_invoice)

    def invoices(self) -> list[tuple[str, str, int]]:
        """Reason, status and total of each invoice, oldest first."""
        rows = self.stripe.v1.invoices.list({"customer": self.customer, "limit": 100}).data
        return [(row.billing_reason, row.status, row.total) for row in rows[::-1]]

    def happened(self, prefix: str = "") -> list[str]:
        """The types of events, oldest first."""
        rows = self.stripe.v1.events.list({"limit": 100, "created": {"gte": START}}).data
        # A sandbox tells of other tests as well.
        ours = [row for row in rows[::-1] if not SANDBOX or self.customer in str(row.data.object.to_dict())]
        return [row.type for row in ours if row.type.startswith(prefix)]


def moment(year: int, month: int, day: int, hour: int = 12) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())
