"""`python -m billing.simulator --port 12111`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path
from typing import Any

from billing.simulator.endpoints import new_destination, new_endpoint
from billing.simulator.server import Server, running

KEEP_SECONDS = 1.0
EVERYTHING = ["*"]


def main() -> None:
    """Listen until the process is asked to stop; the account is kept in a file, if one is named."""
    options = _options()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with running(options.host, options.port) as server:
        _begin(server, options)
        print(f"A simulated Stripe listens on {server.address}", flush=True)  # noqa: T201 - the process's one line
        while not stopping.wait(KEEP_SECONDS):
            server.simulator.keep()
        server.simulator.keep()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m billing.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument("--state", type=Path, help="the file that the account is kept in")
    parser.add_argument("--webhook", metavar="URL", help="where webhooks of every kind go")
    parser.add_argument("--secret", help="what they are signed with")
    parser.add_argument("--summary-lag", type=float, default=2.0, help="seconds until meter events show")
    return parser.parse_args()


def _begin(server: Server, options: argparse.Namespace) -> None:
    simulator = server.simulator
    if options.state and options.state.exists():
        simulator.load(options.state)
    simulator.kept_in = options.state
    simulator.world.settings.summary_lag = options.summary_lag
    if options.webhook:
        _point_webhooks(server, options.webhook, options.secret)


def _point_webhooks(server: Server, url: str, secret: str) -> None:
    """Snapshots and thin events of every kind to one address, in place of those that went there before."""
    world = server.simulator.world
    with world.lock:
        world.touched = True
        for kind in ("webhook_endpoint", "v2.core.event_destination"):
            for old in list(world.store.oldest_first(kind, description="bin/dev")):
                world.store.remove(old)
        values: dict[str, Any] = {"enabled_events": EVERYTHING, "description": "bin/dev"}
        new_endpoint(world, {**values, "url": url}, secret)
        thin = {"name": "bin/dev", "type": "webhook_endpoint", "event_payload": "thin"}
        new_destination(world, {**values, **thin, "webhook_endpoint": {"url": url}}, secret)


if __name__ == "__main__":
    main()
