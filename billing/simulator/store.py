"""Where objects live: in memory, by kind and id."""

from __future__ import annotations

import secrets
import string
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from billing.simulator.refusals import no_such
from billing.simulator.shapes import Object

ALPHABET = string.digits + string.ascii_letters


def new_id(prefix: str, length: int = 24) -> str:
    """An id as Stripe makes them."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(length))}"


class Store:
    """All objects of the account."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[str, Object]] = defaultdict(dict)
        # What Stripe knows and does not show, such as how a test card behaves; by id.
        self.secrets: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.tombstones: dict[str, Object] = {}

    def add(self, found: Object) -> Object:
        self._kinds[found["object"]][found["id"]] = found
        return found

    def find(self, kind: str, name: str | None) -> Object | None:
        return self._kinds[kind].get(name) if name else None

    def get(self, kind: str, name: str, *, param: str | None = None) -> Object:
        """The object, or Stripe's refusal; `param` names the parameter that the id came in."""
        found = self._kinds[kind].get(name)
        if found is None:
            shown = kind.rpartition(".")[2].replace("_", " ")
            raise no_such(shown, name) if param is None else no_such(shown, name, param=param, status=400)
        return found

    def anywhere(self, name: str) -> Object | None:
        """The object with this id, whatever it is."""
        return next((kind[name] for kind in self._kinds.values() if name in kind), None)

    def remove(self, found: Object) -> Object:
        """Take an object away; what is left says that there was one."""
        del self._kinds[found["object"]][found["id"]]
        left = {"id": found["id"], "object": found["object"], "deleted": True}
        self.tombstones[found["id"]] = left
        return left

    def oldest_first(self, kind: str, **fields: Any) -> Iterator[Object]:
        """Objects of a kind whose fields have these values."""
        found = list(self._kinds[kind].values())
        return (each for each in found if all(each.get(name) == value for name, value in fields.items()))

    def newest_first(self, kind: str, **fields: Any) -> list[Object]:
        """What a list of Stripe begins with."""
        return list(self.oldest_first(kind, **fields))[::-1]

    def clear(self) -> None:
        self._kinds.clear()
        self.secrets.clear()
        self.tombstones.clear()
