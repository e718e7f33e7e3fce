"""Stripe's webhooks: how many a second are kept, how soon they are answered, and how soon they are processed.

The web server and the worker are those of the product, on a PostgreSQL that keeps its promises about crashes. Beside
them stands the bare INSERT of such a message, by as many connections. Rounds are interleaved.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final
from uuid import uuid4

import psycopg
import redis

from bench.loads import CONNECTIONS, LOOPBACK, deal, drip, pour, web_server
from bench.report import Report, Result
from billing.simulator.shapes import blank
from billing.simulator.webhooks import signature
from config import env
from config.variables import VARIABLES
from infra.local.processes import worker
from infra.local.services import postgres, valkey

ROUNDS, FLOOD_SECONDS, STEADY_SECONDS, RAW_SECONDS = 7, 3.0, 4.0, 2.0
STEADY, MOST = 500, 3_000
PROCESSED, PROCESSED_SECONDS, WARM, WAIT_SECONDS = 100, 10.0, 40, 60
MOST_MS, MOST_SECONDS = 20.0, 1.0
SECRET: Final = "whsec_bench"
PLATFORM: Final = "bench.stripe_platform"
EVENTS: Final = "public.inbox_receivedevent"
HOW: Final = (
    f"webhooks_stored: signed events of {{size:.1f}} KB over HTTP, {CONNECTIONS} connections, each sending again when",
    "it was answered; two web processes. Each event is durable before its answer, and a message for a worker is sent",
    f"after it; the worker does not run meanwhile. limit: psycopg, {CONNECTIONS} connections, bare INSERTs of the same",
    f"text under a unique id. webhook_answer_p95: {STEADY} events a second, each from when it was due; limit is",
    f"the bar. webhook_processed_p99: {PROCESSED} events a second while the worker runs (two processes), from the",
    "event's arrival to its mark, its handler having written one row; limit is the bar.",
)
RAW_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS public.bench_webhook (id uuid PRIMARY KEY, stripe_id text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(), body text NOT NULL)"""
RAW: Final = (
    "INSERT INTO public.bench_webhook (id, stripe_id, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
)
UNSETTLED: Final = f"SELECT count(*) FROM {EVENTS} WHERE status <> 'processed'"
WAITED: Final = (
    f"SELECT extract(epoch FROM settled_at - created_at)::float8 FROM {EVENTS} WHERE created_at > %s"
)


@dataclass
class Measured:
    """What the rounds have found."""

    stored: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


def run() -> Report:
    """The benchmark as `bin/bench stripe` runs it."""
    size = len(_body()) / 1000
    return Report("stripe", results(measure()), notes=tuple(line.format(size=size) for line in HOW))


def results(found: Measured) -> list[Result]:
    """What the rounds say. The ratio to the bare INSERT is the median of the rounds' own."""
    stored, p95, p99 = median(found.stored), median(found.p95), percentile(found.waited, 99)
    beside = median(ours / raw for ours, raw in zip(found.stored, found.raw, strict=True))
    return [
        Result(
            "webhooks_stored",
            "events/s",
            stored,
            limit=median(found.raw),
            ratio_to_limit=beside,
            runs=len(found.stored),
        ),
        Result(
            "webhook_answer_p95", "ms", p95, limit=MOST_MS, ratio_to_limit=MOST_MS / p95, runs=len(found.p95)
        ),
        Result(
            "webhook_processed_p99",
            "s",
            p99,
            limit=MOST_SECONDS,
            ratio_to_limit=MOST_SECONDS / p99,
            runs=len(found.waited),
        ),
    ]


def percentile(values: list[float], part: int) -> float:
    """So many of a hundred are below it."""
    return quantiles(values, n=100, method="inclusive")[part - 1]


def measure() -> Measured:
    """All rounds."""
    found = Measured()
    with (
        _platform() as environment,
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as database,
    ):
        database.execute(RAW_TABLE)
        application = [f"{PLATFORM}:application"]
        with web_server(application, environment) as port:
            pour(port, deal(_messages(200), "200"), FLOOD_SECONDS)
            for _ in range(ROUNDS):
                _round(found, port, environment["DATABASE_URL"])
            _forget(database, environment)
            with _worker(environment):
                found.waited = _processed(port, database)
    return found


def _round(found: Measured, port: int, administrator: str) -> None:
    rate, _ = pour(port, deal(_messages(int(MOST * FLOOD_SECONDS)), "200"), FLOOD_SECONDS)
    found.stored.append(rate)
    steady = drip(port, deal(_messages(int(STEADY * STEADY_SECONDS * 1.1)), "200"), STEADY, STEADY_SECONDS)
    found.p95.append(percentile(steady, 95) * 1000)
    found.raw.append(_raw(administrator))


def _processed(port: int, database: psycopg.Connection[Any]) -> list[float]:
    """How long each event waited for its mark, the worker being warm."""
    drip(port, deal(_messages(WARM), "200"), PROCESSED, WARM / PROCESSED)
    _wait(database)
    row = database.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    drip(port, deal(_messages(int(PROCESSED * PROCESSED_SECONDS * 1.1)), "200"), PROCESSED, PROCESSED_SECONDS)
    _wait(database)
    return [seconds for (seconds,) in database.execute(WAITED, row)]


def _wait(database: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if database.execute(UNSETTLED).fetchone() == (0,):
            return
        time.sleep(0.1)
    raise RuntimeError(f"After {WAIT_SECONDS} s there are still events that were not processed.")


def _forget(database: psycopg.Connection[Any], environment: dict[str, str]) -> None:
    """What was kept without a worker is not what it is measured with."""
    database.execute(f"TRUNCATE {EVENTS}")
    redis.Redis.from_url(environment["REDIS_URL"]).flushdb()


def _raw(administrator: str) -> float:
    """Rows a second by bare INSERTs."""
    body, until = _body(), time.perf_counter() + RAW_SECONDS

    def insert(_: int) -> int:
        count = 0
        with psycopg.connect(administrator, autocommit=True) as connection:
            while time.perf_counter() < until:
                connection.execute(RAW, (uuid4(), uuid4().hex, body))
                count += 1
        return count

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(insert, range(CONNECTIONS))) / RAW_SECONDS


# Messages


def _body() -> str:
    """An event about an invoice, with all the fields that an invoice has."""
    about = blank("invoice") | {"id": "in_bench", "customer": "cus_bench", "livemode": False}
    event = blank("event") | {"type": "bench.event", "livemode": False, "created": int(time.time())}
    return json.dumps(event | {"id": "evt_HERE", "data": {"object": about}})


def _messages(count: int) -> list[bytes]:
    """So many events, each signed, as they go over the wire."""
    body, now = _body(), int(time.time())
    bodies = (body.replace("evt_HERE", f"evt_{secrets.token_hex(12)}").encode() for _ in range(count))
    return [_message(each, signature(each, [SECRET], now)) for each in bodies]


def _message(body: bytes, signed: str) -> bytes:
    lines = ["POST /stripe/webhooks/ HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", f"Stripe-Signature: {signed}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


# The platform


@contextmanager
def _platform() -> Iterator[dict[str, str]]:
    """A prepared database and a queue: the environment of what runs on them."""
    with postgres(durable=True) as administrator, valkey() as queue:
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        environment = kept | {
            "DATABASE_URL": administrator,
            "REDIS_URL": queue,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENV_FILES": "false",
            "LOG_LEVEL": "ERROR",
            "PUBLIC_HOST": "localhost",
            "PUBLIC_SCHEME": "http",
            "WEB_WORKERS": "2",
            "STRIPE_API_KEY": "sk_test_benchmark",
            "STRIPE_ADDRESS": f"http://{LOOPBACK}:9",
            "STRIPE_WEBHOOK_SECRETS": SECRET,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "manage.py", "prepare", "--verbosity", "0"]
        subprocess.run(command, cwd=env.ROOT, env=environment, check=True)
        yield environment


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    """The worker that bin/dev starts, with the benchmark's handler."""
    command = [PLATFORM if part == "config" else part for part in worker()]
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=env.ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
