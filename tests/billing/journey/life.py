"""One workspace's months: what it sees in the browser and by the API, with time and Stripe's events in step."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from billing.simulator import webhooks
from shared_apps.inbox import processing
from shared_apps.inbox.sending import messenger
from tenants.context import Tenant, public_context, unit_of_work
from tenants.users.models import User
from tests.api.calls import Api, signed_in
from tests.billing.platform import Platform
from tests.cast import tenant_named
from tests.clock import Clock
from tests.portal.live import Visit

DAY = 86_400
PATIENCE = 10.0


class Time:
    """Both clocks, ours and Stripe's, and what Stripe tells of what happens meanwhile."""

    def __init__(self, platform: Platform, clock: Clock, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._server, self._clock = platform.server, clock
        self._waiting: deque[UUID] = deque()
        endpoint = platform.call(
            "webhook_endpoints.create",
            url=f"http://localhost:{port}/stripe/webhooks/",
            enabled_events=["*"],
        )
        self.secret: str = endpoint.secret
        monkeypatch.setattr(messenger, "send", self._waiting.append)
        monkeypatch.setattr(webhooks, "signature", self._signed)

    def _signed(self, body: bytes, secrets: list[str], at: int) -> str:
        return SIGNATURE(body, secrets, int(self._clock.now().timestamp()))

    def passes(self, **units: float) -> None:
        """Let time pass on both sides: `time.passes(days=31)`."""
        span = timedelta(**units)
        self._clock.forward(seconds=span.total_seconds())
        world = self._server.simulator.world
        with world.lock:
            world.offset += int(span.total_seconds())
        self.settle()

    def settle(self) -> None:
        """Have everything happen that is due at Stripe, and everything processed that it tells of."""
        self._server.engine.run(None)
        self._server.courier.settle(PATIENCE)
        while self._waiting:
            with public_context():
                processing.process(self._waiting.popleft())
            self._server.courier.settle(PATIENCE)


SIGNATURE = webhooks.signature


class Life:
    """The owner of one workspace, at two doors."""

    def __init__(self, visit: Visit, subdomain: str) -> None:
        self.visit, self.page = visit, visit.page
        self.tenant: Tenant = tenant_named(subdomain)
        with unit_of_work(self.tenant):
            self.owner = User.objects.get(role="owner")

    @property
    def api(self) -> Api:
        """With a fresh token, as time passes quickly here."""
        return signed_in(self.owner, self.tenant)

    def stands(self, **expected: Any) -> None:
        """What the API says of the subscription; `plan` is its key."""
        found = self.api.get("billing/subscription/").json()
        found["plan"] = found["plan"]["key"]
        assert {name: found[name] for name in expected} == expected

    def sees(self, *texts: str) -> Page:
        """What the billing page says."""
        self.page.goto(self.url("/billing/"))
        for text in texts:
            expect(self.page.get_by_text(text).first).to_be_visible()
        return self.page

    def url(self, path: str) -> str:
        return f"{self.origin}{path}"

    @property
    def origin(self) -> str:
        return "/".join(self.page.url.split("/")[:3])

    def press(self, name: str) -> None:
        """Press a button or follow a link."""
        self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name)).first.click()

    def says(self, text: str) -> None:
        """What the page that comes says."""
        expect(self.page.get_by_text(text).first).to_be_visible()
