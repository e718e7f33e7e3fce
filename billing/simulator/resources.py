"""What most kinds of objects have in common: read one, list them, change some fields, delete."""

from __future__ import annotations

import copy
from collections.abc import Callable

from billing.simulator.calls import Call, answers, matching, page
from billing.simulator.events import differences
from billing.simulator.shapes import Object, filled

# Looks at a change before it is made, and may refuse.
Guard = Callable[[Call, Object], None]


def readable(kind: str, path: str) -> None:
    """`GET /v1/things` with filters, and `GET /v1/things/{}`."""

    @answers("GET", path)
    def listing(call: Call) -> Object:
        return page(call, matching(call.store.newest_first(kind), call.params))

    one(kind, path)


def one(kind: str, path: str) -> None:
    """`GET /v1/things/{}`."""

    @answers("GET", f"{path}/{{}}")
    def retrieve(call: Call) -> Object:
        return call.store.tombstones.get(call.ids[0]) or call.store.get(kind, call.ids[0])


def changeable(kind: str, path: str, event: str | None = None, guard: Guard | None = None) -> None:
    """`POST /v1/things/{}`: the parameters become fields."""

    @answers("POST", f"{path}/{{}}")
    def change(call: Call) -> Object:
        found = call.store.get(kind, call.ids[0])
        if guard is not None:
            guard(call, found)
        return changed(call, found, call.params, event)


def changed(call: Call, found: Object, values: Object, event: str | None) -> Object:
    """Change an object and tell of it, if anything is different."""
    before = copy.deepcopy(found)
    filled(found["object"], values, onto=found)
    if "updated" in found:
        found["updated"] = call.world.now(found)
    previous = differences(before, found)
    if event and previous.keys() - {"updated"}:
        call.world.emit(event, found, previous)
    return found


def deletable(kind: str, path: str, event: str | None = None) -> None:
    """`DELETE /v1/things/{}`."""

    @answers("DELETE", f"{path}/{{}}")
    def delete(call: Call) -> Object:
        return deleted(call, call.store.get(kind, call.ids[0]), event)


def deleted(call: Call, found: Object, event: str | None) -> Object:
    """Take an object away."""
    if event:
        call.world.emit(event, found)
    return call.store.remove(found)
