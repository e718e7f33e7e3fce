"""The product's processes, each by one name: `python -m infra.local.processes web`.

bin/dev and the containers both start them this way, so a process has one command line wherever it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from config import env


def web() -> list[str]:
    """The web server: portal, API and operators' admin."""
    return [
        "granian",
        *("--interface", "wsgi"),
        *("--host", env.text("WEB_HOST")),
        *("--port", str(env.integer("WEB_PORT"))),
        *("--workers", str(env.integer("WEB_WORKERS"))),
        *("--blocking-threads", str(env.integer("WEB_THREADS"))),
        *("--workers-kill-timeout", "10"),
        *("--log-level", env.choice("LOG_LEVEL").lower()),
        "--respawn-failed-workers",
        "--no-ws",
        "config.wsgi:application",
    ]


def worker() -> list[str]:
    """The background worker."""
    return [
        *("celery", "--app", "config", "--quiet", "worker"),
        *("--queues", "celery,inbox"),
        *("--concurrency", str(env.integer("WORKER_CONCURRENCY"))),
        *("--loglevel", env.choice("LOG_LEVEL")),
        "--without-gossip",
        "--without-mingle",
    ]


def courier() -> list[str]:
    """The worker that sends webhooks: it waits for strangers, in threads, while the other one works."""
    return [
        *("celery", "--app", "config", "--quiet", "worker"),
        *("--queues", "webhooks,inbox", "--hostname", "courier@%h"),
        *("--pool", "threads", "--concurrency", str(env.integer("WEBHOOK_CONCURRENCY"))),
        *("--loglevel", env.choice("LOG_LEVEL")),
        "--without-gossip",
        "--without-mingle",
    ]


def beat() -> list[str]:
    """The clock: it puts scheduled tasks into the queue. Run exactly one."""
    schedule = env.directory("DATA_DIR") / "beat-schedule"
    return [
        *("celery", "--app", "config", "--quiet", "beat"),
        *("--schedule", str(schedule), "--pidfile", ""),
        *("--loglevel", env.choice("LOG_LEVEL")),
    ]


def simulator() -> list[str]:
    """A Stripe that runs here, for developers' machines without a key of a real one."""
    inbox = f"http://{env.text('PUBLIC_HOST')}:{env.integer('WEB_PORT')}/stripe/webhooks/"
    return [
        "billing.simulator",
        *("--port", str(env.integer("SIMULATOR_PORT"))),
        *("--state", str(env.directory("DATA_DIR") / "stripe-account")),
        *("--webhook", inbox, "--secret", *env.csv("STRIPE_WEBHOOK_SECRETS")[:1]),
    ]


PROCESSES: dict[str, Callable[[], list[str]]] = {
    "web": web,
    "worker": worker,
    "courier": courier,
    "beat": beat,
    "simulator": simulator,
}


# A supervisor adds this, and tells the process to begin when it stands on record. One that is killed before that tells
# nothing, and leaves no process behind that the next start does not know of.
WHEN_TOLD = "--when-told"


def command(name: str) -> list[str]:
    """How to start a process from anywhere."""
    return [sys.executable, "-m", "infra.local.processes", name]


def main(arguments: list[str]) -> None:
    """Become the process: no shell and no parent stay behind, signals reach it directly."""
    name, *more = arguments or [""]
    if name not in PROCESSES or more not in ([], [WHEN_TOLD]):
        raise SystemExit(f"Name one process: {', '.join(PROCESSES)}.")
    if more and not sys.stdin.buffer.read(1):
        raise SystemExit("Whoever started this process has ended before it began.")
    try:
        module, *options = PROCESSES[name]()
    except env.InvalidSetting as error:
        raise SystemExit(str(error)) from None
    # Celery says so at length, and in a container or on one's own machine root is no news.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:You're running the worker")
    os.execv(sys.executable, [sys.executable, "-m", module, *options])  # noqa: S606 - no shell is the aim


if __name__ == "__main__":
    main(sys.argv[1:])
