"""The switches for tests and demonstrations: `/_simulator/…`, in JSON, without a key."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from billing.simulator.refusals import Refusal
from billing.simulator.service import Request, Simulator
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


HANDLERS = {
    ("GET", ""): _state,
    ("POST", "settings"): _set,
    ("POST", "reset"): _reset,
    ("GET", "faults"): lambda simulator, given: simulator.faults.listed(),
    ("POST", "faults"): lambda simulator, given: simulator.faults.add(**given),
    ("DELETE", "faults"): _clear_faults,
}
