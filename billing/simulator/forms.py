"""Reads bodies as Stripe does: `items[0][price]=x` becomes a list of objects."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from billing.simulator.refusals import Refusal

KEY = re.compile(r"[^\[\]]+|\[\]")


def decode(text: str) -> dict[str, Any]:
    """The nested parameters of a form body or a query."""
    root: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        _put(root, KEY.findall(key), value)
    found = _with_lists(root)
    if not isinstance(found, dict):
        raise Refusal("Parameters need names.")
    return found


def _put(root: dict[str, Any], path: list[str], value: str) -> None:
    place = root
    for name in path[:-1]:
        place = place.setdefault(str(len(place)) if name == "[]" else name, {})
        if not isinstance(place, dict):
            raise Refusal(f"Invalid nesting of {path[0]}: a value and an object at the same place.")
    last = path[-1] if path else ""
    place[str(len(place)) if last == "[]" else last] = value


def _with_lists(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    if found and all(name.isdigit() for name in found):
        return [_with_lists(found[name]) for name in sorted(found, key=int)]
    return {name: _with_lists(value) for name, value in found.items()}
