"""The platform's account at a simulator of the tests: plans on sale, tenants that pay, and time that passes."""

from __future__ import annotations

import time
from typing import Any

from billing.accounts.projecting import refresh_customer
from billing.models import Customer
from billing.plans.catalogue import newest, plan_version, stripe_prices
from billing.simulator.checkout import pay
from billing.simulator.server import Server
from billing.simulator.world import DAY, HOUR
from billing.stripe.client import Stripe, account
from billing.subscriptions.services import Checkout
from tenants.context import Tenant

KEY = "sk_test_simulator"


class Platform:
    """Stripe as the platform's own settings name it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.world = server.simulator.world
        self.stripe: Stripe = account()
        self.clock = ""

    def call(self, path: str, *ids: str, **params: Any) -> Any:
        """Make a call that changes something, whatever key: `call("customers.create", name="x")`."""

        def picked(client: Any) -> Any:
            found = client.v1
            for step in path.split("."):
                found = getattr(found, step)
            return found

        return self.stripe.send(picked, *ids, key=f"test:{time.monotonic_ns()}", params=params)

    def customer(self, tenant: Tenant, card: str = "pm_card_visa") -> Customer:
        """A tenant that is a customer with a card."""
        self.clock = self.call("test_helpers.test_clocks.create", frozen_time=int(time.time())).id
        email = f"owner@{tenant.name.lower()}.example"
        made = self.call("customers.create", name=tenant.name, email=email, test_clock=self.clock)
        customer = Customer.objects.create(tenant=tenant.schema, stripe_id=made.id)
        self.give_card(customer, card)
        return refresh_customer(made.id)

    def give_card(self, customer: Customer, card: str) -> None:
        """Another card, which pays from now on."""
        method = self.call("payment_methods.attach", card, customer=customer.stripe_id).id
        settings = {"default_payment_method": method}
        self.call("customers.update", customer.stripe_id, invoice_settings=settings)

    def subscribe(self, customer: Customer, plan: str = "team", **more: Any) -> str:
        """A subscription as Checkout makes it, of which the platform has not heard yet."""
        version = plan_version(plan, more.pop("version", newest(plan).number))
        prices = stripe_prices(version).values()
        items = [{"price": price} for price in prices]
        made = self.call("subscriptions.create", customer=customer.stripe_id, items=items, **more)
        return str(made.id)

    def wait(self, *, days: float = 0, hours: float = 0) -> None:
        """Let time pass for the customer that was made last; with us it stays."""
        before = self.stripe.read(lambda client: client.v1.test_helpers.test_clocks.retrieve, self.clock)
        then = before.frozen_time + int(days * DAY + hours * HOUR)
        self.call("test_helpers.test_clocks.advance", self.clock, frozen_time=then)
        while self.world.store.get("test_helpers.test_clock", self.clock)["status"] != "ready":
            time.sleep(0.002)

    def pay(self, checkout: Checkout, card: str = "4242424242424242", **given: str) -> None:
        """What a person does on Checkout's page."""
        with self.world.lock:
            session = self.world.store.get("checkout.session", checkout.id)
            pay(self.world, session, {"card": card, **given}, proved=False)

    def count(self, kind: str, **which: Any) -> int:
        """How many objects of a kind the account has."""
        return len(list(self.world.store.oldest_first(kind, **which)))

    def fail(self, kind: str, path: str, **more: Any) -> None:
        """Have the next changing call to a path fail."""
        self.server.simulator.faults.add(kind=kind, path=path, method=more.pop("method", "POST"), **more)

    def promotion(self, code: str, percent: int = 20) -> str:
        """A code that takes something off."""
        coupon = self.call("coupons.create", percent_off=percent, duration="forever", name=f"{percent} %").id
        promotion = {"type": "coupon", "coupon": coupon}
        return str(self.call("promotion_codes.create", promotion=promotion, code=code).id)
