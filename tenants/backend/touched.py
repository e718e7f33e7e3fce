"""Which tenants each backend of the server has met, as far as this process knows.

A backend keeps what it has learnt of a table until it ends, of every tenant it ever served. So it is ended after so
many tenants. Backends are told apart by the pid that comes with the sentinel: behind a pooler a connection meets many.
"""

import threading
from collections import OrderedDict
from typing import Final

Backend = tuple[str, int]
MOST_BACKENDS: Final = 1_000


class Touched:
    """The schemas that each backend has met, by alias and pid; the backends met longest ago are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._schemas: OrderedDict[Backend, set[str]] = OrderedDict()

    def add(self, backend: Backend, schema: str) -> int:
        """Note that the backend has met the schema; how many it has met by now."""
        with self._lock:
            met = self._schemas.setdefault(backend, set())
            self._schemas.move_to_end(backend)
            if len(self._schemas) > MOST_BACKENDS:
                self._schemas.popitem(last=False)
            met.add(schema)
            return len(met)

    def strangeness(self, backend: Backend, schema: str) -> tuple[bool, int]:
        """How little the backend suits a schema: least when it knows it, then the fewer others it has met."""
        met = self._schemas.get(backend, ())
        return schema not in met, len(met)

    def forget(self, backend: Backend) -> None:
        """Its connection was closed; another backend may get the pid."""
        with self._lock:
            self._schemas.pop(backend, None)


touched = Touched()
