"""A process of one side: prepares its database, then answers orders on standard input.

`python -m bench.peers.serve stock 10` prints one line when it is ready; each line "N" it then reads makes it serve
N requests and print what they cost, as JSON.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

SIDES: Final = {
    "ours": ("config.settings", "bench.peers.ours"),
    "plain": ("bench.peers.plain.settings", "bench.peers.plain.side"),
    "raw": ("config.settings", "bench.peers.raw"),
    "stock": ("bench.peers.stock.settings", "bench.peers.stock.side"),
}


def main(side: str, tenants: int) -> None:
    """Prepare, say so, and serve until standard input ends."""
    settings, module = SIDES[side]
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    import django

    django.setup()
    prepared = importlib.import_module(module)
    calls = prepared.prepare(tenants)
    application = prepared.application(calls) if hasattr(prepared, "application") else _django()
    _say(_probe(application, calls))
    turn = cycle(calls)
    for line in sys.stdin:
        _say(_measure(application, islice(turn, int(line))))


def _django() -> Any:
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _probe(application: Any, calls: list[Any]) -> dict[str, Any]:
    """One request to each tenant: what comes back, and through how many of Django's statements."""
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    from bench.peers.call import fetch

    bodies = [fetch(application, call) for call in calls]
    with CaptureQueriesContext(connections["default"]) as sent:
        fetch(application, calls[0])
    return {"rows": len(_rows(bodies[0])), "bytes": len(bodies[0]), "statements": len(sent)}


def _rows(body: bytes) -> list[Any]:
    answer = json.loads(body)
    rows: list[Any] = answer["data"] if "data" in answer else answer["results"]
    return rows


def _measure(application: Any, calls: Iterator[Any]) -> dict[str, float]:
    from bench.peers.call import fetch

    backends, wall, cpu = _backend_seconds(), time.perf_counter(), time.process_time()
    count = sum(bool(fetch(application, call)) for call in calls)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "python": cpu / count,
        "postgres": (_backend_seconds() - backends) / count,
        "wall": wall / count,
    }


def _backend_seconds() -> float:
    """CPU time of this process's database backends, where the kernel tells (Linux); 0 elsewhere."""
    from django.db import connections

    total = 0
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            total += _on_cpu(connection.connection.info.backend_pid)
    return total / 1e9


def _on_cpu(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except OSError:
        return 0


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
