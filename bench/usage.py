"""Usage: what metering costs a request, rows made durable in the ledger, and a million of them folded into hours.

Beside the ledger stands the same statement on a plain table with the same key. Rounds are interleaved, on a PostgreSQL
that keeps its promises about crashes.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from statistics import median
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

import psycopg

from bench import allowances
from bench.report import Report, Result
from config import env
from config.variables import VARIABLES
from infra.local.services import postgres, valkey

ROUNDS, BATCHES, BATCH = 5, 60, 1_000
# A process that is busy writes its notes down about every eighty requests.
TAX_ROUNDS, REQUESTS, TENANTS = 20, 80, 2
FOLDED, FOLDS, OF_TENANTS, HOURS = 1_000_000, 3, 500, 12
MOST_TAX, LEAST_ROWS, MOST_SECONDS, MOST_CHECK = 1.02, 20_000, 2.0, 50.0
HOW: Final = (
    "metering_tax: CPU of a list of 20 products by API, PostgreSQL's included, with its note in the ledger and",
    "without; limit is the bar. ledger_rows: what the writer of API calls does, a thousand rows a statement, one",
    "client, each batch durable; limit: the same unnest … ON CONFLICT DO NOTHING into a plain table with that key.",
    f"rollup_1m: one fold of a million new records of {OF_TENANTS} tenants, three meters and {HOURS} hours into",
    "rollups; limit is the bar.",
    "entitlement_check_us: taking a unit of a month's budget, as each order does; the median of",
    f"{allowances.CHECKS:,}, with the leases that were asked for among them; limit is the bar.",
    "entitlement_exact: what 32 clients in 4 processes got, each until it was refused; limit: what there was.",
)
RAW_TABLE: Final = """
    CREATE TABLE public.bench_usage (id uuid NOT NULL, tenant text NOT NULL, meter text NOT NULL,
        quantity bigint NOT NULL, idempotency_key text NOT NULL, occurred_at timestamptz NOT NULL, source uuid,
        PRIMARY KEY (tenant, idempotency_key));
    GRANT INSERT, SELECT ON public.bench_usage TO rowhouse_control"""
RAW: Final = """
    INSERT INTO public.bench_usage (id, tenant, meter, quantity, idempotency_key, occurred_at, source)
    SELECT id, tenant, 'api_calls', 1, 'api_call:' || id, at, source
      FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[]) AS noted (id, tenant, at, source)
    ON CONFLICT DO NOTHING"""
# Of the API calls each is one of three credentials of its tenant.
MILLION: Final = """
    INSERT INTO public.billing_usagerecord (id, tenant, meter, quantity, idempotency_key, occurred_at, source)
    SELECT gen_random_uuid(), 't_bench' || n %% %(tenants)s,
           (ARRAY['api_calls', 'orders_placed', 'webhooks_delivered'])[1 + n / 7 %% 3], 1 + n %% 5, 'bench:' || n,
           date_trunc('hour', now()) - make_interval(secs => %(hours)s * 3600 * (1 - n::float / (%(rows)s + 1))),
           CASE WHEN n / 7 %% 3 = 0 THEN md5((n / 21 %% 3)::text)::uuid END
      FROM generate_series(1, %(rows)s) AS n"""
AGAIN: Final = "TRUNCATE billing_rollup, billing_sourcehour, billing_usagewatch, billing_export, billing_lane"


def run() -> Report:
    """The benchmark as `bin/bench usage` runs it."""
    return Report("usage", results(measure()), notes=HOW)


def measure() -> dict[str, list[Any]]:
    """All rounds, in a process of its own."""
    with _platform() as environment:
        command = [sys.executable, "-m", "bench.usage"]
        done = subprocess.run(
            command, cwd=env.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    found: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def results(rounds: dict[str, list[Any]]) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out."""
    tax = median(on / off for on, off in rounds["tax"])
    ours, raw = (median(each[side] for each in rounds["rows"]) for side in (0, 1))
    folds = median(rounds["folds"])
    return [
        Result("metering_tax", "ratio", tax, limit=MOST_TAX, ratio_to_limit=MOST_TAX / tax, runs=TAX_ROUNDS),
        Result(
            "ledger_rows",
            "rows/s",
            ours,
            limit=raw,
            ratio_to_limit=median(one / other for one, other in rounds["rows"]),
            runs=ROUNDS,
        ),
        Result("rollup_1m", "s", folds, limit=MOST_SECONDS, ratio_to_limit=MOST_SECONDS / folds, runs=FOLDS),
        *_entitlements(rounds),
    ]


def _entitlements(rounds: dict[str, list[Any]]) -> list[Result]:
    (check,), (got,) = rounds["checks"], rounds["granted"]
    there_was = allowances.UNITS
    return [
        Result(
            "entitlement_check_us",
            "us",
            check,
            limit=MOST_CHECK,
            ratio_to_limit=MOST_CHECK / check,
            runs=allowances.CHECKS,
        ),
        # One more is as wrong as one less.
        Result(
            "entitlement_exact",
            "units",
            got,
            limit=there_was,
            ratio_to_limit=min(got, there_was) / max(got, there_was),
            runs=1,
        ),
    ]


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
            "ACCESS_TOKEN_LIFETIME": "4h",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "manage.py", "prepare", "--verbosity", "0"]
        subprocess.run(command, cwd=env.ROOT, env=environment, check=True)
        yield environment


# The process that is measured


def rounds() -> dict[str, list[Any]]:
    """Everything, one after the other."""
    found: dict[str, list[Any]] = {"tax": list(_tax()), "rows": list(_rows())}
    asked: dict[str, list[Any]] = {
        "checks": [allowances.check_us()],
        "granted": [allowances.granted_at_once()],
    }
    return {**found, **asked, "folds": list(_folds())}


def _tax() -> Iterator[tuple[float, float]]:
    """CPU of a request with metering and without."""
    from django.core.wsgi import get_wsgi_application

    from bench.peers.ours import prepare
    from bench.peers.serve import measure as serve
    from tenants.api import metering

    application, turns = get_wsgi_application(), cycle(prepare(TENANTS)["list_jwt"])
    note: Callable[[str, UUID], None] = metering.calls.note

    def cost(noting: Callable[[str, UUID], None]) -> float:
        with patch.object(metering.calls, "note", noting):
            found = serve(application, islice(turns, REQUESTS))
        return found["python"] + found["postgres"]

    sides = {True: note, False: lambda schema, source: None}
    for _ in range(4):
        cost(note)
    for number in range(TAX_ROUNDS):
        order = (True, False) if number % 2 else (False, True)
        took = {is_on: cost(sides[is_on]) for is_on in order}
        yield took[True], took[False]


def _rows() -> Iterator[tuple[float, float]]:
    """Rows a second: the ledger, and a plain table with the same key."""
    from django.db import connections

    from billing.usage import record_calls
    from tenants.api.metering import ApiCall

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(RAW_TABLE)

    def raw(batch: list[ApiCall]) -> None:
        columns = zip(*((call.key, call.schema, call.at, call.source) for call in batch), strict=True)
        with connections["control"].cursor() as cursor:
            cursor.execute(RAW, [list(column) for column in columns])

    for number in range(ROUNDS):
        sides = (record_calls, raw) if number % 2 else (raw, record_calls)
        rates = {side: _rate(side) for side in sides}
        yield rates[record_calls], rates[raw]


def _rate(write: Callable[[Any], None]) -> float:
    from django.utils import timezone

    from tenants.api.metering import ApiCall
    from tenants.models import uuid7

    def key() -> UUID:
        return uuid7()

    sources = [uuid7() for _ in range(50)]
    batches = [
        [ApiCall(key(), f"t_bench{turn % 20}", timezone.now(), sources[turn % 50]) for turn in range(BATCH)]
        for _ in range(BATCHES)
    ]
    start = time.perf_counter()
    for batch in batches:
        write(batch)
    return BATCHES * BATCH / (time.perf_counter() - start)


def _folds() -> Iterator[float]:
    """Seconds that a fold of a million new records takes."""
    from billing.models import Fold
    from billing.rollups import fold

    fold()
    seen = Fold.objects.get().seen
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(MILLION, {"tenants": OF_TENANTS, "hours": HOURS, "rows": FOLDED})
        administrator.execute("ANALYZE public.billing_usagerecord")
        for _ in range(FOLDS):
            administrator.execute(AGAIN)
            Fold.objects.update(seen=seen)
            start = time.perf_counter()
            fold()
            yield time.perf_counter() - start


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(rounds()))
