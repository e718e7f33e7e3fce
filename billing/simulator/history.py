"""The list of events, thirty days back; of both generations of the API."""

from __future__ import annotations

import fnmatch

from billing.simulator.calls import Call, answers, matching, page
from billing.simulator.events import KEPT_DAYS
from billing.simulator.refusals import no_such
from billing.simulator.shapes import Object
from billing.simulator.world import DAY


@answers("GET", "/v1/events")
def list_events(call: Call) -> Object:
    """Events by type, which may end with a star, by several types, or by time."""
    kinds = call.params.get("types") or [call.params.get("type", "*")]
    rows = [row for row in _kept(call) if any(fnmatch.fnmatch(row["type"], kind) for kind in kinds)]
    rest = {name: value for name, value in call.params.items() if name == "created"}
    return page(call, matching(rows, rest))


@answers("GET", "/v1/events/{}")
def retrieve_event(call: Call) -> Object:
    return call.store.get("event", call.ids[0])


def _kept(call: Call) -> list[Object]:
    # Events of test clocks carry the clock's time, so what counts is how far back each one's own time is.
    return [
        row
        for row in call.store.newest_first("event")
        if row["created"] > call.world.now(row["data"]["object"]) - KEPT_DAYS * DAY
    ]


@answers("GET", "/v2/core/events")
def list_thin_events(call: Call) -> Object:
    """The second generation pages by address; here one page is all there is."""
    kinds = call.params.get("types")
    rows = [row for row in call.store.newest_first("v2.core.event") if not kinds or row["type"] in kinds]
    rows = matching(rows, {name: call.params[name] for name in ("created",) if name in call.params})
    if "object_id" in call.params:
        rows = [row for row in rows if (row["related_object"] or {}).get("id") == call.params["object_id"]]
    found = rows[: int(call.params.get("limit", 20))]
    return {"data": found, "next_page_url": None, "previous_page_url": None}


@answers("GET", "/v2/core/events/{}")
def retrieve_thin_event(call: Call) -> Object:
    found = call.store.find("v2.core.event", call.ids[0])
    if found is None:
        raise no_such("event", call.ids[0])
    return found
