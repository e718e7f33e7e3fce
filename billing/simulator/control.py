"""The switches for tests and demonstrations: `/_simulator/…`, in JSON, without a key."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, fields
from typing import Any

from stripe._object_classes import OBJECT_CLASSES

from billing.simulator.refusals import Refusal
from billing.simulator.service import Request, Simulator
from billing.simulator.shapes import blank
from billing.simulator.store import new_id
from billing.simulator.webhooks import Habits
from billing.simulator.world import Settings


def answer(simulator: Simulator, request: Request) -> Any:
    """Look at or set what the request names."""
    name = request.path.removeprefix("/_simulator").strip("/")
    given = json.loads(request.body) if request.body else {}
    handler = HANDLERS.get((request.method, name))
    if handler is None:
        known = ", ".join(f"{method} /_simulator/{each}" for method, each in sorted(HANDLERS))
        raise Refusal(f"There is no {request.method} {request.path}; there are {known}.", status=404)
    return handler(simulator, given)


def _state(simulator: Simulator, given: Any) -> Any:
    with simulator.world.lock:
        return {"now": simulator.world.now(), "settings": asdict(simulator.world.settings)}


def _set(simulator: Simulator, given: Any) -> Any:
    known = {each.name for each in fields(Settings)}
    if unknown := sorted(given.keys() - known):
        raise Refusal(f"Received unknown parameter: {unknown[0]}; there are {', '.join(sorted(known))}.")
    with simulator.world.lock:
        for name, value in given.items():
            setattr(simulator.world.settings, name, value)
    return _state(simulator, given)


def _reset(simulator: Simulator, given: Any) -> Any:
    simulator.reset()
    return {"reset": True}


def _clear_faults(simulator: Simulator, given: Any) -> Any:
    simulator.faults.clear()
    return []


def _advance(simulator: Simulator, given: Any) -> Any:
    """Everybody's time, for whom no test clock was made."""
    with simulator.world.lock:
        simulator.world.offset += int(given["seconds"])
    simulator.world.advancing(None)
    return _state(simulator, given)


def _set_courier(simulator: Simulator, given: Any) -> Any:
    known = {each.name for each in fields(Habits)}
    if unknown := sorted(given.keys() - known):
        raise Refusal(f"Received unknown parameter: {unknown[0]}; there are {', '.join(sorted(known))}.")
    for name, value in given.items():
        setattr(simulator.courier.habits, name, value)
    return simulator.courier.state()


def _roll(simulator: Simulator, given: Any) -> Any:
    """A second secret for every endpoint, or the new one alone with `{"drop_old": true}`."""
    secret = given.get("secret") or f"whsec_{secrets.token_urlsafe(24)}"
    with simulator.world.lock:
        for kind in ("webhook_endpoint", "v2.core.event_destination"):
            for endpoint in simulator.world.store.oldest_first(kind):
                signing = simulator.world.store.secrets[endpoint["id"]]["signing"]
                signing[:] = [secret, *([] if given.get("drop_old") else signing)]
    return {"secrets": [secret]}


def _emit(simulator: Simulator, given: Any) -> Any:
    """An event about an object that nothing else here makes, such as a dispute: its kind and fields."""
    if given.get("kind") not in OBJECT_CLASSES:
        raise Refusal(
            "Name the `kind` of an object, its `values`, and the `type` of the event.", param="kind"
        )
    world = simulator.world
    with world.lock:
        made = blank(given["kind"]) | {"id": new_id("sim"), **given.get("values", {})}
        world.store.add(made)
        world.emit(given["type"], made)
        events = world.taken()
        simulator.courier.send(events)
    return events[0]


HANDLERS = {
    ("POST", "emit"): _emit,
    ("POST", "advance"): _advance,
    ("GET", "webhooks"): lambda simulator, given: simulator.courier.state(),
    ("POST", "webhooks"): _set_courier,
    ("POST", "webhooks/roll"): _roll,
    ("POST", "webhooks/resend"): lambda simulator, given: {"sent": simulator.courier.resend(given["event"])},
    ("GET", ""): _state,
    ("POST", "settings"): _set,
    ("POST", "reset"): _reset,
    ("GET", "faults"): lambda simulator, given: simulator.faults.listed(),
    ("POST", "faults"): lambda simulator, given: simulator.faults.add(**given),
    ("DELETE", "faults"): _clear_faults,
}
