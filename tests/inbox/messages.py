"""Messages as Stripe sends them."""

from __future__ import annotations

import json
import time
from typing import Any

from django.conf import settings
from django.test import Client

from billing.simulator.webhooks import signature

SECRET = "whsec_of_the_tests"
URL = "/stripe/webhooks/"


def snapshot(name: str, type_: str = "invoice.paid", **about: Any) -> dict[str, Any]:
    """An event of the first generation: `snapshot("evt_1", "invoice.paid", id="in_1")`."""
    found = {"id": f"in_{name}", "object": "invoice", "customer": "cus_1"} | about
    return {
        "id": name,
        "object": "event",
        "type": type_,
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": found},
    }


def thin(name: str, type_: str = "v1.billing.meter.no_meter_found", **more: Any) -> dict[str, Any]:
    """An event of the second generation."""
    related = {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"}
    event = {
        "id": name,
        "object": "v2.core.event",
        "type": type_,
        "livemode": False,
        "created": "2026-11-21T10:00:00.000Z",
        "related_object": related,
    }
    return event | more


def signed(body: bytes, *secrets: str, at: float | None = None) -> str:
    return signature(body, list(secrets or (SECRET,)), int(time.time() if at is None else at))


def post(event: Any, header: str | None = None) -> Any:
    """Bring an event to the public host's door, as Stripe does."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"host": settings.PUBLIC_HOST, "stripe-signature": signed(body) if header is None else header}
    client = Client(raise_request_exception=False)
    return client.post(URL, body, content_type="application/json", headers=headers)
