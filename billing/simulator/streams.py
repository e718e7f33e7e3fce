"""Meter events of the second generation: one by one, and in streams of a hundred with a token."""

from __future__ import annotations

import secrets
from datetime import datetime

from billing.simulator.calls import Call, answers
from billing.simulator.events import moment
from billing.simulator.metering import take_adjustment, take_event
from billing.simulator.refusals import Refusal
from billing.simulator.shapes import Object
from billing.simulator.store import new_id
from billing.simulator.world import MINUTE

LARGEST = 100
PASSED_OVER = frozenset({"duplicate_meter_event", "timestamp_too_far_in_past", "timestamp_in_future"})


def _taken(call: Call, given: Object) -> Object:
    values = dict(given)
    if "timestamp" in values:
        values["timestamp"] = int(datetime.fromisoformat(values["timestamp"]).timestamp())
    made = take_event(call.world, values)
    times = {name: moment(made[name]) for name in ("created", "timestamp")}
    return made | {"object": "v2.billing.meter_event"} | times


@answers("POST", "/v2/billing/meter_events")
def create_event(call: Call) -> Object:
    return _taken(call, call.params)


@answers("POST", "/v2/billing/meter_event_adjustments")
def create_adjustment(call: Call) -> Object:
    made = take_adjustment(call.world, call.params)
    times = {"id": new_id("mtr_adj"), "created": moment(call.world.now())}
    return made | {"object": "v2.billing.meter_event_adjustment", "status": "pending"} | times


@answers("POST", "/v2/billing/meter_event_session")
def create_session(call: Call) -> Object:
    """A token that is good for a quarter of an hour."""
    token, now = f"token_{secrets.token_urlsafe(24)}", call.world.now()
    call.store.secrets["streams"][token] = now + 15 * MINUTE
    return {
        "id": new_id("mes_test"),
        "object": "v2.billing.meter_event_session",
        "authentication_token": token,
        "created": moment(now),
        "expires_at": moment(now + 15 * MINUTE),
        "livemode": False,
    }


@answers("POST", "/v2/billing/meter_event_stream")
def stream(call: Call) -> Object:
    """Up to a hundred events; what is wrong with one shows later."""
    if len(call.params["events"]) > LARGEST:
        raise Refusal(f"A stream takes {LARGEST} events at a time.", param="events")
    for event in call.params["events"]:
        try:
            _taken(call, event)
        except Refusal as refusal:
            # Events seen before are passed over; the rest of a stream is not lost with them.
            if refusal.error.get("code") not in PASSED_OVER:
                raise
    return {}
