"""Turns stored objects into answers: what is hidden is left out, what `expand` names is filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.simulator.refusals import Refusal
from billing.simulator.shapes import HIDDEN, Object
from billing.simulator.store import Store

DEPTH = 4
# Lists that are made when they are expanded: (kind, field) → rows.
LISTS: dict[tuple[str, str], Callable[[Store, Object], list[Object]]] = {
    ("customer", "subscriptions"): lambda store, it: store.newest_first("subscription", customer=it["id"]),
    ("customer", "tax_ids"): lambda store, it: store.newest_first("tax_id", customer=it["id"]),
    ("invoice", "payments"): lambda store, it: store.newest_first("invoice_payment", invoice=it["id"]),
    ("charge", "refunds"): lambda store, it: store.newest_first("refund", charge=it["id"]),
}


def rendered(found: Any) -> Any:
    """A copy without what is hidden."""
    if isinstance(found, list):
        return [rendered(each) for each in found]
    if not isinstance(found, dict):
        return found
    hidden = HIDDEN.get(str(found.get("object")), ())
    return {name: rendered(value) for name, value in found.items() if name not in hidden}


def expanded(store: Store, answer: Object, source: Object, paths: list[str]) -> Object:
    """The answer with each path of `expand` filled in; `source` is the object that it was rendered from."""
    for path in paths:
        steps = path.split(".")
        if len(steps) - steps.count("data") > DEPTH:
            raise Refusal(f"You cannot expand more than {DEPTH} levels of a property: {path}", param="expand")
        _expand(store, answer, source, steps, path)
    return answer


def _expand(store: Store, answer: Any, source: Any, steps: list[str], path: str) -> None:
    if isinstance(answer, list):
        for one, original in zip(answer, source, strict=True):
            _expand(store, one, original, steps, path)
        return
    name, rest = steps[0], steps[1:]
    if not isinstance(answer, dict) or name not in source:
        raise Refusal(
            f"This property cannot be expanded ({name}). You may want to try expanding 'data.{name}'"
            if isinstance(answer, dict) and "data" in answer
            else f"This property cannot be expanded ({name}).",
            param="expand",
        )
    inner = _filled(store, source, name)
    if inner is not source[name] or name not in answer:
        answer[name] = rendered(inner)
    if rest and inner is not None:
        _expand(store, answer[name], inner, rest, path)


def _filled(store: Store, source: Object, name: str) -> Any:
    rows = LISTS.get((str(source.get("object")), name))
    if rows is not None:
        url = f"/v1/{source['object']}s/{source['id']}/{name}"
        return {"object": "list", "data": rows(store, source), "has_more": False, "url": url}
    value = source[name]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return [store.anywhere(each) or each for each in value]
    return (store.anywhere(value) or value) if isinstance(value, str) else value
