"""Test clocks: a time of its own for some customers."""

from __future__ import annotations

from billing.simulator.calls import Call, answers
from billing.simulator.refusals import Refusal
from billing.simulator.resources import readable
from billing.simulator.shapes import Object, filled
from billing.simulator.standing import ENDED, end
from billing.simulator.store import new_id
from billing.simulator.world import DAY

PATH = "/v1/test_helpers/test_clocks"


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A clock that stands still until it is advanced."""
    made = filled("test_helpers.test_clock", call.params) | {"id": new_id("clock"), "status": "ready"}
    made |= {"deletes_after": call.world.now() + 30 * DAY, "status_details": {}}
    call.world.stamp(made)
    made["created"] = call.world.now()
    call.world.emit("test_helpers.test_clock.created", made)
    return made


@answers("POST", f"{PATH}/{{}}/advance")
def advance(call: Call) -> Object:
    """Begin to move a clock; it is `advancing` until all that is due has happened."""
    found = call.store.get("test_helpers.test_clock", call.ids[0])
    target = call.params["frozen_time"]
    if found["status"] != "ready":
        raise Refusal("The test clock is still advancing.", code="test_clock_in_use", status=429)
    if target <= found["frozen_time"]:
        raise Refusal("The new time must be later than the clock's.", param="frozen_time")
    found |= {"status": "advancing", "status_details": {"advancing": {"target_frozen_time": target}}}
    call.store.secrets[found["id"]]["target"] = target
    call.world.emit("test_helpers.test_clock.advancing", found)
    call.world.advancing(found["id"])
    return found


@answers("DELETE", f"{PATH}/{{}}")
def delete(call: Call) -> Object:
    """A clock takes its customers and their subscriptions with it."""
    found = call.store.get("test_helpers.test_clock", call.ids[0])
    for customer in call.store.newest_first("customer", test_clock=found["id"]):
        for subscription in call.store.newest_first("subscription", customer=customer["id"]):
            if subscription["status"] not in ENDED:
                end(call.world, subscription, "cancellation_requested")
        call.store.remove(customer)
    call.world.emit("test_helpers.test_clock.deleted", found)
    return call.store.remove(found)


readable("test_helpers.test_clock", PATH)
