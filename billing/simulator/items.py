"""The calls on single items of subscriptions."""

from __future__ import annotations

from billing.simulator.calls import Call, answers, page, picked
from billing.simulator.changing import change_items
from billing.simulator.refusals import no_such
from billing.simulator.shapes import Object

GIVEN = ("price", "price_data", "quantity", "metadata")
ITEMS = "/v1/subscription_items"


@answers("GET", ITEMS)
def list_items(call: Call) -> Object:
    return page(call, call.store.get("subscription", call.params["subscription"])["items"]["data"])


@answers("GET", f"{ITEMS}/{{}}")
def retrieve_item(call: Call) -> Object:
    return _item(call)[1]


@answers("POST", ITEMS)
def create_item(call: Call) -> Object:
    found = call.store.get("subscription", call.params["subscription"], param="subscription")
    given = {
        name: value
        for name, value in call.params.items()
        if name in ("price", "price_data", "quantity", "metadata")
    }
    change_items(_steered(call, [given]), found)
    return dict(found["items"]["data"][-1])


@answers("POST", f"{ITEMS}/{{}}")
def update_item(call: Call) -> Object:
    found, item = _item(call)
    given = {
        name: value
        for name, value in call.params.items()
        if name in ("price", "price_data", "quantity", "metadata")
    }
    change_items(_steered(call, [{**given, "id": item["id"]}]), found)
    return _item(call)[1]


@answers("DELETE", f"{ITEMS}/{{}}")
def delete_item(call: Call) -> Object:
    found, item = _item(call)
    given = {"id": item["id"], "deleted": True, "clear_usage": call.params.get("clear_usage")}
    change_items(_steered(call, [given]), found)
    return {"id": item["id"], "object": "subscription_item", "deleted": True}


def _item(call: Call) -> tuple[Object, Object]:
    for found in call.store.newest_first("subscription"):
        for item in found["items"]["data"]:
            if item["id"] == call.ids[0]:
                return found, item
    raise no_such("subscription_item", call.ids[0])


def _steered(call: Call, items: list[Object]) -> Call:
    steering = picked(call.params, "proration_behavior", "proration_date", "payment_behavior")
    return Call(call.world, call.ids, {**steering, "items": items}, call.path)
