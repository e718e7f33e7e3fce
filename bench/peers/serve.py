"""A process of one side: prepares its database, then answers orders on standard input.

`python -m bench.peers.serve stock 10` prints one line when it is ready; each line "SCENARIO N" it then reads makes it
serve N requests and print what they cost, as JSON; "SCENARIO calls" prints the requests themselves.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
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
    scenarios = prepared.prepare(tenants)
    application = prepared.application(scenarios) if hasattr(prepared, "application") else _django()
    scenarios |= _conditional(application, scenarios)
    _say(_probe(application, next(iter(scenarios.values()))) | {"scenarios": list(scenarios)})
    turns = {name: cycle(calls) for name, calls in scenarios.items()}
    for line in sys.stdin:
        scenario, count = line.split()
        if count == "calls":
            _say({"calls": [_told(call) for call in scenarios[scenario]]})
        else:
            _say(measure(application, islice(turns[scenario], int(count))))


def _told(call: Any) -> dict[str, Any]:
    """A call for whoever asks a web server."""
    return {**asdict(call), "body": call.body.decode()}


def _django() -> Any:
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _conditional(application: Any, scenarios: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The lists once more, by callers who know what they would get; where there are tags."""
    from bench.peers.call import exchange

    made: dict[str, list[Any]] = {}
    for kind in ("jwt", "token"):
        for call in scenarios.get(f"list_{kind}", []):
            if tag := exchange(application, call)[1].get("ETag"):
                known = replace(call, headers=(("HTTP_IF_NONE_MATCH", tag),), expected="304")
                made.setdefault(f"not_modified_{kind}", []).append(known)
    return made


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


def measure(application: Any, calls: Iterator[Any]) -> dict[str, float]:
    """What some requests cost, each."""
    from bench.peers.call import fetch

    backends, wall, cpu = backend_seconds(), time.perf_counter(), time.process_time()
    count = sum(fetch(application, call) is not None for call in calls)
    _write_notes()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "python": cpu / count,
        "postgres": (backend_seconds() - backends) / count,
        "wall": wall / count,
    }


def _write_notes() -> None:
    """What the product's web process does in a thread: here, where its CPU time is seen on both sides."""
    if "tenants.api.metering" in sys.modules:
        from tenants.api.metering import calls

        while calls.flush():
            pass


def backend_seconds() -> float:
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
