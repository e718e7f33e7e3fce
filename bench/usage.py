"""Usage: what metering costs a request, rows made durable, a million of them folded into hours, and an hour exported.

Beside the ledger stands the same statement on a plain table with the same key. Rounds are interleaved, on a PostgreSQL
that keeps its promises about crashes. `python -m bench.usage --small` runs all of it in a size that says nothing but
that it runs.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

TENANTS, BATCH, OF_TENANTS, HOURS = 2, 1_000, 500, 12
MOST_TAX, LEAST_ROWS, MOST_SECONDS, MOST_CHECK = 1.02, 20_000, 2.0, 50.0
MOST_EXPORTING = 60.0
STRIPE, SIZE = "BENCH_STRIPE", "BENCH_SIZE"
KEY: Final = "sk_test_simulator"


@dataclass(frozen=True)
class Size:
    """How much is measured. A process that is busy writes its notes down about every eighty requests."""

    rounds: int = 5
    batches: int = 60
    tax_rounds: int = 60
    requests: int = 80
    folded: int = 1_000_000
    folds: int = 3
    exported: int = 10_000


SIZES: Final = {"full": Size(), "small": Size(1, 3, 1, 20, 20_000, 2, 500)}
HOW: Final = (
    "metering_tax: CPU of a list of 20 products by API, PostgreSQL's included, with its note in the ledger and",
    "without; limit is the bar. ledger_rows: what the writer of API calls does, a thousand rows a statement, one",
    "client, each batch durable; limit: the same unnest … ON CONFLICT DO NOTHING into a plain table with that key.",
    f"rollup_1m: one fold of a million new records of {OF_TENANTS} tenants, three meters and {HOURS} hours into",
    "rollups, API calls by credential as well; limit is the bar. export_10000_tenants: an hour of a meter of so many",
    "tenants, from the outbox to the simulated Stripe over HTTP, paced as in production; limit is the bar.",
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
OUTBOX: Final = (
    """INSERT INTO billing_customer (id, tenant, stripe_id)
       SELECT gen_random_uuid(), 't_bench' || n, 'cus_bench' || n FROM generate_series(0, %(tenants)s - 1) AS n""",
    "INSERT INTO billing_lane (tenant, meter) SELECT tenant, 'api_calls' FROM billing_customer",
    """INSERT INTO billing_export (tenant, meter, hour, revision, value, at, identifier)
       SELECT tenant, 'api_calls', hour, 1, 100, hour, tenant || ':bench'
         FROM billing_customer, date_trunc('hour', now() - interval '1 hour') AS hour""",
    "ANALYZE billing_customer, billing_lane, billing_export",
)
AGAIN: Final = "TRUNCATE billing_rollup, billing_sourcehour, billing_usagewatch, billing_export, billing_lane"


def run(size: str = "full") -> Report:
    """The benchmark as `bin/bench usage` runs it."""
    return Report("usage", results(measure(size), SIZES[size]), notes=HOW)


def measure(size: str) -> dict[str, list[Any]]:
    """All rounds, in a process of its own; the simulated Stripe is in this one."""
    with _platform() as environment, _stripe(SIZES[size]) as address:
        environment |= {STRIPE: address, SIZE: size}
        command = [sys.executable, "-m", "bench.usage", "--measured"]
        done = subprocess.run(
            command, cwd=env.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    found: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def results(rounds: dict[str, list[Any]], size: Size) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out."""
    tax = median(on / off for on, off in rounds["tax"])
    ours, raw = (median(each[side] for each in rounds["rows"]) for side in (0, 1))
    folds, exporting = median(rounds["folds"]), median(rounds["exports"])
    return [
        Result(
            "metering_tax", "ratio", tax, limit=MOST_TAX, ratio_to_limit=MOST_TAX / tax, runs=size.tax_rounds
        ),
        Result(
            "ledger_rows",
            "rows/s",
            ours,
            limit=raw,
            ratio_to_limit=median(one / other for one, other in rounds["rows"]),
            runs=size.rounds,
        ),
        Result(
            "rollup_1m", "s", folds, limit=MOST_SECONDS, ratio_to_limit=MOST_SECONDS / folds, runs=size.folds
        ),
        Result(
            "export_10000_tenants",
            "s",
            exporting,
            limit=MOST_EXPORTING,
            ratio_to_limit=MOST_EXPORTING / exporting,
            runs=1,
        ),
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


@contextmanager
def _stripe(size: Size) -> Iterator[str]:
    """The address of a simulated Stripe that knows the customers."""
    from billing.simulator.server import running
    from billing.simulator.shapes import filled

    with running() as server:
        world = server.simulator.world
        for number in range(size.exported):
            world.store.add(filled("customer", {"invoice_settings": {}}) | {"id": f"cus_bench{number}"})
        yield server.address


# The process that is measured


def rounds(size: Size) -> dict[str, list[Any]]:
    """Everything, one after the other."""
    parts: dict[str, Callable[[Size], Iterator[Any]]] = {
        "tax": _tax,
        "rows": _rows,
        "checks": _checks,
        "granted": _granted,
        "folds": _folds,
        "exports": _exports,
    }
    return {name: list(part(size)) for name, part in parts.items()}


def _checks(size: Size) -> Iterator[float]:
    yield allowances.check_us()


def _granted(size: Size) -> Iterator[int]:
    yield allowances.granted_at_once()


def _tax(size: Size) -> Iterator[tuple[float, float]]:
    """CPU of a request with metering and without."""
    from django.core.wsgi import get_wsgi_application

    from bench.peers.ours import prepare
    from bench.peers.serve import measure as serve
    from tenants.api import metering

    application, turns = get_wsgi_application(), cycle(prepare(TENANTS)["list_jwt"])
    note: Callable[[str, UUID], None] = metering.calls.note

    def cost(noting: Callable[[str, UUID], None]) -> float:
        with patch.object(metering.calls, "note", noting):
            found = serve(application, islice(turns, size.requests))
        return found["python"] + found["postgres"]

    sides = {True: note, False: lambda schema, source: None}
    for _ in range(4):
        cost(note)
    for number in range(size.tax_rounds):
        order = (True, False) if number % 2 else (False, True)
        took = {is_on: cost(sides[is_on]) for is_on in order}
        yield took[True], took[False]


def _rows(size: Size) -> Iterator[tuple[float, float]]:
    """Rows a second: the ledger, and a plain table with the same key."""
    from django.db import connections

    from billing.usage.ledger import arrays, record_calls
    from tenants.api.metering import ApiCall

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(RAW_TABLE)

    def raw(batch: list[ApiCall]) -> None:
        with connections["control"].cursor() as cursor:
            cursor.execute(RAW, arrays(batch))

    for number in range(size.rounds):
        sides = (record_calls, raw) if number % 2 else (raw, record_calls)
        rates = {side: _rate(side, size.batches) for side in sides}
        yield rates[record_calls], rates[raw]


def _rate(write: Callable[[Any], None], count: int) -> float:
    from django.utils import timezone

    from tenants.api.metering import ApiCall
    from tenants.models import uuid7

    def key() -> UUID:
        return uuid7()

    sources = [uuid7() for _ in range(50)]
    batches = [
        [ApiCall(key(), f"t_bench{turn % 20}", timezone.now(), sources[turn % 50]) for turn in range(BATCH)]
        for _ in range(count)
    ]
    start = time.perf_counter()
    for batch in batches:
        write(batch)
    return count * BATCH / (time.perf_counter() - start)


def _folds(size: Size) -> Iterator[float]:
    """Seconds that a fold of a million new records takes."""
    from billing.models import Fold
    from billing.usage.rollups import fold

    fold()
    seen = Fold.objects.get().seen
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(MILLION, {"tenants": OF_TENANTS, "hours": HOURS, "rows": size.folded})
        administrator.execute("ANALYZE public.billing_usagerecord")
        for _ in range(size.folds):
            administrator.execute(AGAIN)
            Fold.objects.update(seen=seen)
            start = time.perf_counter()
            fold()
            yield time.perf_counter() - start


def _exports(size: Size) -> Iterator[float]:
    """Seconds until one hour of one meter of all tenants has reached Stripe."""
    from billing.meters import METERS
    from billing.outbox.exporting import Exporter
    from billing.stripe.client import connect
    from billing.stripe.meters import StripeMeters

    stripe, meter = connect(KEY, os.environ[STRIPE], seconds=20), METERS["api_calls"]
    stripe.send(
        lambda client: client.v1.billing.meters.create,
        key="meter",
        params={
            "display_name": meter.title,
            "event_name": meter.event_name,
            "default_aggregation": {"formula": meter.formula},
        },
    )
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(AGAIN)
        for statement in OUTBOX:
            administrator.execute(statement, {"tenants": size.exported})
    start = time.perf_counter()
    sent = Exporter(StripeMeters(stripe)).run()["sent"]
    if sent != size.exported:
        raise RuntimeError(f"{sent} of {size.exported} messages have arrived.")
    yield time.perf_counter() - start


def main() -> None:
    """The process that is measured, or all of it by hand."""
    if "--measured" not in sys.argv:
        print(run("small" if "--small" in sys.argv else "full").as_text())
        return
    import django

    django.setup()
    print(json.dumps(rounds(SIZES[os.environ[SIZE]])))


if __name__ == "__main__":
    main()
