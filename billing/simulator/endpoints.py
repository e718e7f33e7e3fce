"""Where webhooks go: endpoints of the first generation, event destinations of the second."""

from __future__ import annotations

import secrets
from typing import Any

from billing.simulator.calls import Call, answers
from billing.simulator.events import VERSION, moment
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import changed, deletable, one, readable
from billing.simulator.shapes import Object, filled
from billing.simulator.store import new_id
from billing.simulator.world import World

PATH, DESTINATIONS = "/v1/webhook_endpoints", "/v2/core/event_destinations"


@answers("POST", PATH)
def create(call: Call) -> Object:
    """An endpoint; its secret is shown this once."""
    made = new_endpoint(call.world, call.params, f"whsec_{secrets.token_urlsafe(24)}")
    return made | {"secret": call.store.secrets[made["id"]]["signing"][0]}


def new_endpoint(world: World, values: Object, secret: str) -> Object:
    """An endpoint that signs with a secret."""
    if not values["url"].startswith(("http://", "https://")):
        message = "Invalid URL: An explicit scheme (such as https) must be provided."
        raise Refusal(message, param="url", code="url_invalid")
    made = filled("webhook_endpoint", values) | {"id": new_id("we"), "status": "enabled"}
    made["metadata"] = made["metadata"] or {}
    made.pop("secret")
    world.store.secrets[made["id"]]["signing"] = [secret]
    return world.stamp(made)


@answers("POST", f"{PATH}/{{}}")
def update(call: Call) -> Object:
    found = call.store.get("webhook_endpoint", call.ids[0])
    values = {name: value for name, value in call.params.items() if name != "disabled"}
    if "disabled" in call.params:
        values["status"] = "disabled" if call.params["disabled"] else "enabled"
    return changed(call, found, values, None)


readable("webhook_endpoint", PATH)
deletable("webhook_endpoint", PATH)


@answers("POST", DESTINATIONS)
def create_destination(call: Call) -> Object:
    """A destination for thin events or snapshots; the simulator knows webhooks only."""
    if call.params["type"] != "webhook_endpoint" or "webhook_endpoint" not in call.params:
        raise missing_parameter("webhook_endpoint")
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    made = new_destination(call.world, call.params, secret)
    shown: dict[str, Any] = {**made["webhook_endpoint"]}
    if "webhook_endpoint.signing_secret" in call.params.get("include", []):
        shown["signing_secret"] = secret
    return made | {"webhook_endpoint": shown}


def new_destination(world: World, values: Object, secret: str) -> Object:
    """A destination that signs with a secret."""
    made = filled("v2.core.event_destination", values) | {"id": new_id("ed_test"), "metadata": {}}
    made |= {"created": moment(world.now()), "updated": moment(world.now()), "status": "enabled"}
    made["snapshot_api_version"] = VERSION if made["event_payload"] == "snapshot" else None
    world.store.secrets[made["id"]]["signing"] = [secret]
    return world.store.add(made)


@answers("GET", DESTINATIONS)
def list_destinations(call: Call) -> Object:
    rows = call.store.newest_first("v2.core.event_destination")
    return {
        "data": rows[: int(call.params.get("limit", 20))],
        "next_page_url": None,
        "previous_page_url": None,
    }


@answers("POST", f"{DESTINATIONS}/{{}}/disable")
def disable(call: Call) -> Object:
    found = call.store.get("v2.core.event_destination", call.ids[0])
    found["status"] = "disabled"
    return found


@answers("POST", f"{DESTINATIONS}/{{}}/enable")
def enable(call: Call) -> Object:
    found = call.store.get("v2.core.event_destination", call.ids[0])
    found["status"] = "enabled"
    return found


one("v2.core.event_destination", DESTINATIONS)
deletable("v2.core.event_destination", DESTINATIONS)
