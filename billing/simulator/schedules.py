"""Subscription schedules: phases with items of their own, one after the other."""

from __future__ import annotations

from typing import Any

from billing.simulator.calls import Call, answers
from billing.simulator.changing import change_items
from billing.simulator.periods import shifted
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import readable
from billing.simulator.shapes import Object, blank, filled
from billing.simulator.standing import change, end
from billing.simulator.store import new_id
from billing.simulator.subscriptions import start
from billing.simulator.world import World

PATH = "/v1/subscription_schedules"
LIVE = ("not_started", "active")


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A schedule for a subscription that runs, or for one that will."""
    made = blank("subscription_schedule") | {
        "id": new_id("sub_sched"),
        "metadata": call.params.get("metadata") or {},
    }
    settings = {"default_settings": call.params.get("default_settings") or {}}
    made["default_settings"] = filled("subscription_schedule", settings)["default_settings"]
    made |= {"end_behavior": call.params.get("end_behavior", "release"), "billing_mode": {"type": "flexible"}}
    if name := call.params.get("from_subscription"):
        _adopt(call, made, call.store.get("subscription", name, param="from_subscription"))
    else:
        _begin(call, made)
    call.world.stamp(made)
    call.world.emit("subscription_schedule.created", made)
    _plan(call.world, made)
    return made


def _adopt(call: Call, made: Object, found: Object) -> None:
    if found["schedule"]:
        raise Refusal("The subscription already has a schedule.", param="from_subscription")
    first = found["items"]["data"]
    items = [{"price": item["price"]["id"], "quantity": item["quantity"]} for item in first]
    phase = {
        "items": items,
        "start_date": first[0]["current_period_start"],
        "end_date": first[0]["current_period_end"],
    }
    made |= {"customer": found["customer"], "subscription": found["id"], "status": "active"}
    made |= {"phases": _phases([phase], phase["start_date"]), "test_clock": found["test_clock"]}
    made["current_phase"] = {"start_date": phase["start_date"], "end_date": phase["end_date"]}
    change(call.world, found, schedule=made["id"])


def _begin(call: Call, made: Object) -> None:
    if "customer" not in call.params or not call.params.get("phases"):
        raise missing_parameter("phases" if "customer" in call.params else "customer")
    customer = call.store.get("customer", call.params["customer"], param="customer")
    given = call.params.get("start_date", "now")
    first = call.world.now(customer["id"]) if given == "now" else int(given)
    made |= {"customer": customer["id"], "test_clock": customer["test_clock"], "status": "not_started"}
    made["phases"] = _phases(call.params["phases"], first)
    if first <= call.world.now(customer["id"]):
        _start_phase(call.world, made, made["phases"][0])


def _phases(given: list[Object], first: int) -> list[Object]:
    phases: list[Object] = []
    for at, each in enumerate(given):
        begins = first if each.get("start_date") in (None, "now") else int(each["start_date"])
        first = _phase_end(each, begins, f"phases[{at}]")
        phases.append(_phase(each, begins, first))
    return phases


def _phase(given: Object, begins: int, ends: int) -> Object:
    timing = ("duration", "start_date", "end_date", "trial")
    plain = {name: value for name, value in given.items() if name not in timing}
    phase: Object = filled("subscription_schedule", {"phases": [plain]})["phases"][0]
    trial_end = ends if given.get("trial") else given.get("trial_end")
    phase |= {"start_date": begins, "end_date": ends, "trial_end": trial_end}
    phase["proration_behavior"] = given.get("proration_behavior", "create_prorations")
    for item in phase["items"]:
        item["plan"] = item["price"]
    return phase


def _phase_end(given: Object, begins: int, param: str) -> int:
    if "end_date" in given:
        return int(given["end_date"])
    if duration := given.get("duration"):
        return shifted(begins, duration["interval"], int(duration.get("interval_count", 1)))
    raise missing_parameter(f"{param}[duration]")


def _plan(world: World, found: Object) -> None:
    now = world.now(found)
    for phase in found["phases"]:
        for at in (phase["start_date"], phase["end_date"]):
            if at > now:
                world.plan(at, "phase", found)


def next_phase(world: World, found: Object, now: int) -> None:
    """The boundary between two phases, or the end of the last one."""
    if found["status"] not in LIVE:
        return
    phase = next((each for each in found["phases"] if each["start_date"] <= now < each["end_date"]), None)
    if phase is not None:
        if (found["current_phase"] or {}).get("start_date") != phase["start_date"]:
            _start_phase(world, found, phase)
            world.emit("subscription_schedule.updated", found)
    elif found["phases"][-1]["end_date"] <= now:
        _complete(world, found)


def _start_phase(world: World, found: Object, phase: Object) -> None:
    found |= {"status": "active", "current_phase": {name: phase[name] for name in ("start_date", "end_date")}}
    given: list[Object] = [_without_none(item) for item in phase["items"]]
    running = world.store.find("subscription", found["subscription"])
    if running is None:
        values: dict[str, Any] = {
            "customer": found["customer"],
            "items": given,
            "metadata": phase["metadata"] or {},
        }
        values |= {"trial_end": phase["trial_end"]} if phase["trial_end"] else {}
        running = start(Call(world, (), {}), values)
        running["schedule"] = found["id"]
        found["subscription"] = running["id"]
        return
    gone = [{"id": item["id"], "deleted": True} for item in running["items"]["data"]]
    params = {"items": [*given, *gone], "proration_behavior": phase["proration_behavior"]}
    _keep_same(running, params)
    if params["items"]:
        change_items(Call(world, (), params), running)
    if phase["metadata"]:
        change(world, running, metadata={**running["metadata"], **phase["metadata"]})


def _without_none(item: Object) -> Object:
    return {name: item[name] for name in ("price", "quantity", "metadata") if item.get(name) is not None}


def _keep_same(running: Object, params: Object) -> None:
    """Items whose price stays are changed in place, not taken away and added."""
    for item in running["items"]["data"]:
        same = next((each for each in params["items"] if each.get("price") == item["price"]["id"]), None)
        if same is not None:
            params["items"] = [each for each in params["items"] if each.get("id") != item["id"]]
            same["id"] = item["id"]


def _complete(world: World, found: Object) -> None:
    now = world.now(found)
    running = world.store.find("subscription", found["subscription"])
    if found["end_behavior"] == "cancel" and running is not None:
        found |= {"status": "completed", "completed_at": now, "current_phase": None}
        running["schedule"] = None
        end(world, running, "cancellation_requested")
        world.emit("subscription_schedule.completed", found)
        return
    _let_go(world, found)


def _let_go(world: World, found: Object) -> None:
    found |= {"status": "released", "released_at": world.now(found), "current_phase": None}
    found |= {"released_subscription": found["subscription"], "subscription": None}
    running = world.store.find("subscription", found["released_subscription"])
    if running is not None:
        change(world, running, schedule=None)
    world.emit("subscription_schedule.released", found)


@answers("POST", f"{PATH}/{{}}")
def update(call: Call) -> Object:
    """Other phases: what lies ahead is planned anew."""
    found = _live(call)
    if phases := call.params.get("phases"):
        first = found["phases"][0]["start_date"] if found["phases"] else call.world.now(found)
        found["phases"] = _phases(phases, first)
    if "end_behavior" in call.params:
        found["end_behavior"] = call.params["end_behavior"]
    if "metadata" in call.params:
        filled("subscription_schedule", {"metadata": call.params["metadata"]}, onto=found)
    call.world.emit("subscription_schedule.updated", found)
    _plan(call.world, found)
    return found


@answers("POST", f"{PATH}/{{}}/release")
def release(call: Call) -> Object:
    """The subscription stays as it is."""
    found = _live(call)
    _let_go(call.world, found)
    return found


@answers("POST", f"{PATH}/{{}}/cancel")
def cancel(call: Call) -> Object:
    """The schedule and its subscription end."""
    found = _live(call)
    found |= {"status": "canceled", "canceled_at": call.world.now(found), "current_phase": None}
    call.world.emit("subscription_schedule.canceled", found)
    running = call.store.find("subscription", found["subscription"])
    if running is not None:
        running["schedule"] = None
        end(call.world, running, "cancellation_requested")
    return found


def _live(call: Call) -> Object:
    found = call.store.get("subscription_schedule", call.ids[0])
    if found["status"] not in LIVE:
        raise Refusal(
            f"You cannot change a subscription schedule that is {found['status']}.", param="schedule"
        )
    return found


readable("subscription_schedule", PATH)
