"""One call, and the register of what answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from billing.simulator.refusals import Refusal
from billing.simulator.shapes import Object
from billing.simulator.store import Store
from billing.simulator.world import World

PAGE, MOST = 10, 100
PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
RANGES: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets: the account, the ids of the path and the checked parameters."""

    world: World
    ids: tuple[str, ...]
    params: Object
    path: str = ""

    @property
    def store(self) -> Store:
        return self.world.store


Handler = Callable[[Call], Object]
HANDLERS: dict[tuple[str, str], Handler] = {}


def answers(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler: `@answers("POST", "/v1/customers/{}")`."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method, path] = handler
        return handler

    return register


def picked(params: Object, *names: str) -> Object:
    """Those of some parameters that were given."""
    return {name: params[name] for name in names if name in params}


def page(call: Call, rows: list[Object]) -> Object:
    """The page of a list that the paging parameters ask for."""
    limit = int(call.params.get("limit", PAGE))
    if not 1 <= limit <= MOST:
        raise Refusal(f"Invalid integer: limit must be between 1 and {MOST}", param="limit")
    first, last = _window(call, rows, limit)
    more = last < len(rows) if "ending_before" not in call.params else first > 0
    return {"object": "list", "data": rows[first:last], "has_more": more, "url": call.path}


def _window(call: Call, rows: list[Object], limit: int) -> tuple[int, int]:
    if after := call.params.get("starting_after"):
        first = _place(rows, after, "starting_after") + 1
        return first, min(first + limit, len(rows))
    if before := call.params.get("ending_before"):
        last = _place(rows, before, "ending_before")
        return max(0, last - limit), last
    return 0, min(limit, len(rows))


def _place(rows: list[Object], name: str, param: str) -> int:
    for at, row in enumerate(rows):
        if row.get("id") == name:
            return at
    raise Refusal(f"No such object: '{name}'", param=param, code="resource_missing")


def matching(rows: list[Object], params: Object) -> list[Object]:
    """Rows whose fields have the values of the parameters; `created` may be a range."""
    wanted = {name: value for name, value in params.items() if name not in PAGING}
    return [row for row in rows if all(_has(row.get(name), value) for name, value in wanted.items())]


def _has(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return value in wanted
    if not isinstance(wanted, dict):
        return bool(value == wanted)
    if isinstance(value, dict):
        return all(_has(value.get(name), each) for name, each in wanted.items())
    return value is not None and all(RANGES[name](value, limit) for name, limit in wanted.items())
