"""Stripe's events brought to the real inbox and processed, all in this process; time that passes for both sides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from billing.accounts import letters
from billing.models import Customer, Subscription
from billing.plans.catalogue import newest, stripe_prices
from billing.simulator.server import Server
from billing.simulator.shapes import Object
from billing.simulator.webhooks import signature
from billing.simulator.world import DAY, HOUR
from billing.usage.ledger import record_usage
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.processing import process
from shared_apps.inbox.storing import receive
from tenants.context import Tenant, unit_of_work
from tenants.models import uuid7
from tests.billing.platform import Platform
from tests.clock import Clock

SECRET = "whsec_of_the_tests"


class Telling(Platform):
    """The platform's account, whose events are told when the test says so, as often and in the order it says."""

    def __init__(self, server: Server, clock: Clock) -> None:
        super().__init__(server)
        self.time = clock
        self._told: set[str] = set()

    def news(self, *types: str) -> list[Object]:
        """The events that have not been told yet, of these types or all, oldest first."""
        kinds = ("event", "v2.core.event")
        rows = [row for kind in kinds for row in self.world.store.oldest_first(kind)]
        wanted = [row for row in rows if not types or row["type"] in types]
        return [row for row in wanted if row["id"] not in self._told]

    def tell(
        self, events: Iterable[Object] | None = None, *, copies: int = 1, chance: Random | None = None
    ) -> None:
        """Bring events to the door and have each processed; Stripe's order, unless there is a chance of others."""
        bodies = [
            body for event in (self.news() if events is None else events) for body in [_body(event)] * copies
        ]
        if chance is not None:
            chance.shuffle(bodies)
        for body in bodies:
            self._told.add(
                receive(body=body, signature=signature(body, [SECRET], int(self.time.now().timestamp())))
            )
        self.process(chance)

    def forget(self, events: Iterable[Object]) -> None:
        """Lose events on their way."""
        self._told |= {event["id"] for event in events}

    def process(self, chance: Random | None = None) -> None:
        """Have a worker look at everything that waits."""
        waiting = list(ReceivedEvent.objects.waiting().order_by("id").values_list("pk", flat=True))
        if chance is not None:
            chance.shuffle(waiting)
        for name in waiting:
            process(name)

    def again(self, chance: Random, share: float = 1) -> None:
        """Have events handled once more, as a replay does."""
        rows = ReceivedEvent.objects.exclude(status="ignored").order_by("id").values_list("pk", flat=True)
        taken = [name for name in rows if chance.random() < share]
        ReceivedEvent.objects.filter(pk__in=taken).update(
            status="waiting", settled_at=None, sweep_at=self.time.now(), tries=0
        )
        self.process(chance)

    def live(self, *, days: float = 0, hours: float = 0) -> None:
        """Let time pass on both sides; at each step events are told before the next thing happens."""
        clock = self.world.store.get("test_helpers.test_clock", self.clock)
        until = clock["frozen_time"] + int(days * DAY + hours * HOUR)
        with self.world.lock:
            clock["status"] = "advancing"
            self.world.store.secrets[clock["id"]]["target"] = until
        engine = self.server.engine
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "_settle", lambda seconds: self._follow())
            engine.run(clock["id"])
        self._follow()

    def until_draft(self) -> str:
        """Let time pass until a draft of the period that runs has been made, and tell nothing of it; its id."""
        subscription = Subscription.objects.get()
        self.pass_by(hours=(subscription.period_end - self.time.now()).total_seconds() / 3600 + 0.1)
        return str(self.read("subscriptions.retrieve", subscription.stripe_id).latest_invoice)

    def pass_by(self, **span: float) -> None:
        """Let time pass on both sides, and tell nothing."""
        self.wait(**span)
        self._keep_time()

    def _follow(self) -> None:
        self._keep_time()
        self.tell()

    def _keep_time(self) -> None:
        frozen = self.world.store.get("test_helpers.test_clock", self.clock)["frozen_time"]
        self.time.forward(seconds=frozen - self.time.now().timestamp())

    def subscribe(self, customer: Customer, plan: str = "team", **more: Any) -> str:
        """A subscription to the version that is sold, as Checkout makes it."""
        items = [{"price": price} for price in stripe_prices(newest(plan)).values()]
        return str(self.call("subscriptions.create", customer=customer.stripe_id, items=items, **more).id)

    def use(self, tenant: Tenant, meter: str, quantity: int, *, hours_ago: float = 0) -> None:
        """Write one use into the ledger."""
        at = self.time.now() - timedelta(hours=hours_ago)
        with unit_of_work(tenant):
            record_usage(meter=meter, quantity=quantity, idempotency_key=str(uuid7()), at=at)

    def read(self, call: str, *ids: str, **params: Any) -> Any:
        """Look at something: `read("invoices.retrieve", "in_…")`."""

        def picked(client: Any) -> Any:
            found = client.v1
            for step in call.split("."):
                found = getattr(found, step)
            return found

        return self.stripe.read(picked, *ids, params=params)


def mailed() -> list[str]:
    """Bring what was written to the post; the subjects, as they lie in the mailbox."""
    from django.core import mail

    letters.post_due()
    return [str(message.subject) for message in mail.outbox]


def _body(event: Object) -> bytes:
    shown = {name: value for name, value in event.items() if event["object"] == "event" or name != "data"}
    return json.dumps(shown).encode()
