"""A tenant with 100,000 orders exported and restored, beside raw COPY of its tables, among few schemas and among many.

Two servers stand side by side, one with 10 tenants and one with 2,000, and rounds on them are interleaved, so that the
machine's drift does not look like a difference. Each round is a process of its own: its peak memory is the operations'.
"""

import contextlib
import json
import resource
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import psycopg
from psycopg import sql

from bench.fleet import Fleet, make_fleet
from bench.report import Report, Result
from config import env
from infra.local.services import temporary_folder

FEW, MANY, ORDERS, ROUNDS = 10, 2_000, 100_000, 5
LINES_AN_ORDER: Final = 4
SOURCE: Final = "bench-0"
HOW: Final = (
    "ours: manifest, checksums and fsync included; a restore makes the tenant, loads it and opens its doors.",
    "limit: psycopg copies the same tables to files, and the files into an empty tenant in one transaction.",
    "Both with {many:,} schemas in the database. *_vs_10: our time there over that with {few}, each as a",
    "multiple of what COPY took in the same round, as the disk's moods are larger than any difference.",
)
# Rows by generate_series, as the administrator; keys are drawn in order, as the product draws them.
FILLING: Final = (
    """INSERT INTO products_product
           (id, created_at, updated_at, sku, name, description, kind, price, currency, status, on_hand, reserved)
       SELECT uuidv7(), now(), now(), 'SKU-' || n, 'Thing ' || n, '', 'goods', 10, 'EUR', 'active', 100, 0
         FROM generate_series(1, 2000) n""",
    """INSERT INTO orders_customer (id, created_at, updated_at, reference, name, email, phone, country, note)
       SELECT uuidv7(), now(), now(), 'C' || n, 'Customer ' || n, 'c' || n || '@customers.example', '', 'DE', ''
         FROM generate_series(1, 10000) n""",
    """CREATE TEMPORARY TABLE one ON COMMIT DROP AS SELECT row_number() OVER () - 1 AS n, id FROM orders_customer""",
    """CREATE TEMPORARY TABLE thing ON COMMIT DROP AS
       SELECT row_number() OVER () - 1 AS n, id, sku FROM products_product""",
    """INSERT INTO orders_order
           (id, created_at, updated_at, number, kind, status, customer_id, currency, total, note, source, placed_at)
       SELECT uuidv7(), now(), now(), g, 'sale', 'placed', one.id, 'EUR', {lines} * 10, '', 'api', now()
         FROM generate_series(1, {orders}) g JOIN one ON one.n = g % 10000""",
    """INSERT INTO orders_orderline
           (id, order_id, position, product_id, sku, description, quantity, unit_price, total)
       SELECT uuidv7(), o.id, place, thing.id, thing.sku, 'Thing number ' || thing.n, 1, 10, 10
         FROM orders_order o CROSS JOIN generate_series(1, {lines}) place
         JOIN thing ON thing.n = (o.number * 7 + place) % 2000""",
    "UPDATE orders_ordercounter SET last = {orders}",
)


@dataclass(frozen=True)
class Round:
    """One export and one restore, each beside COPY alone."""

    rows: int
    export: float
    copy_out: float
    restore: float
    copy_in: float
    memory_mb: float

    @property
    def export_share(self) -> float:
        """The export's time as a multiple of COPY's."""
        return self.export / self.copy_out

    @property
    def restore_share(self) -> float:
        """The restore's time as a multiple of COPY's."""
        return self.restore / self.copy_in


def run() -> Report:
    """The benchmark as `bin/bench lifecycle` runs it."""
    few, many = measure()
    peak = max(one.memory_mb for one in many)
    how = tuple(line.format(few=FEW, many=MANY) for line in HOW)
    rows = f"{ORDERS:,} orders are {many[0].rows:,} rows. Peak memory of the process: {peak:.0f} MB."
    return Report("lifecycle", results(few, many), notes=(*how, rows))


def measure(*, rounds: int = ROUNDS) -> tuple[list[Round], list[Round]]:
    """The rounds with few schemas and those with many."""
    found: tuple[list[Round], list[Round]] = ([], [])
    with (
        make_fleet(FEW, durable=True) as few,
        make_fleet(MANY, durable=True) as many,
        temporary_folder() as folder,
    ):
        for fleet in (few, many):
            fill(fleet.administrator, fleet.schemas[0], orders=ORDERS)
        for number in range(rounds):
            for fleet, into in zip((few, many), found, strict=True):
                into.append(_round(fleet, folder, number))
    return found


def results(few: list[Round], many: list[Round]) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios, in which the machine's drift cancels out."""
    pairs = list(zip(few, many, strict=True))
    return [
        _beside_copy("export_100k", [(one.rows, one.export, one.copy_out) for one in many]),
        _beside_copy("restore_100k", [(one.rows, one.restore, one.copy_in) for one in many]),
        _flatness("export_2000_vs_10", [(one.export_share, other.export_share) for one, other in pairs]),
        _flatness("restore_2000_vs_10", [(one.restore_share, other.restore_share) for one, other in pairs]),
    ]


def fill(administrator: str, schema: str, *, orders: int) -> None:
    """Give a tenant so many orders with lines, customers and products."""
    with psycopg.connect(administrator, autocommit=True) as connection:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL search_path = {}, ext").format(sql.Identifier(schema)))
            for statement in FILLING:
                connection.execute(statement.format(orders=orders, lines=LINES_AN_ORDER).encode())
        connection.execute("VACUUM ANALYZE")


def _beside_copy(name: str, rounds: list[tuple[int, float, float]]) -> Result:
    return Result(
        name,
        "rows/s",
        ours=median(rows / ours for rows, ours, _ in rounds),
        limit=median(rows / limit for rows, _, limit in rounds),
        ratio_to_limit=median(limit / ours for _, ours, limit in rounds),
        runs=len(rounds),
    )


def _flatness(name: str, pairs: list[tuple[float, float]]) -> Result:
    return Result(
        name,
        "times",
        ours=median(many / few for few, many in pairs),
        limit=1.0,
        ratio_to_limit=median(few / many for few, many in pairs),
        runs=len(pairs),
    )


def _round(fleet: Fleet, folder: Path, number: int) -> Round:
    kept = {"ARCHIVE_ROOT": str(folder / "archives"), "MEDIA_ROOT": str(folder / "media"), "POOL_SIZE": "0"}
    command = [sys.executable, "-m", "bench.lifecycle", SOURCE, str(folder), str(number)]
    done = subprocess.run(
        command, cwd=env.ROOT, env=fleet.environment | kept, check=True, stdout=subprocess.PIPE, text=True
    )
    return Round(**json.loads(done.stdout.splitlines()[-1]))


# The process of a round


def one_round(source: str, folder: Path, number: int) -> Round:
    """Export and restore a tenant, and copy its tables out and in; what was made for it goes again."""
    from shared_apps.clients.models import Client
    from tenants.context import public_context

    with public_context():
        client = Client.objects.get(subdomain=source)
        operation, export = _exported(client)
        memory = _peak_memory_mb()
        copies, copy_out = _copied_out(client.schema_name, folder)
        restored, restore = _restored(operation, f"bench-restored-{number}")
        memory = max(memory, _peak_memory_mb())
        empty, copy_in = _copied_in(copies, f"bench-copied-{number}")
        _forget([restored, empty], [operation.archive, *copies.values()])
    return Round(operation.rows_done, export, copy_out, restore, copy_in, memory)


def _exported(client: Any) -> tuple[Any, float]:
    from shared_apps.lifecycle.services import export_client
    from tenants.audit.actors import Actor

    operation = export_client(client_id=client.pk, actor=Actor.system("bench"), send=False)
    return _done(operation)


def _restored(export: Any, subdomain: str) -> tuple[Any, float]:
    from shared_apps.clients.models import Client
    from shared_apps.lifecycle.services import restore_client
    from tenants.audit.actors import Actor

    _checkpoint()
    operation = restore_client(
        archive=export.archive, subdomain=subdomain, actor=Actor.system("bench"), send=False
    )
    operation, seconds = _done(operation)
    return Client.objects.get(pk=operation.made_id), seconds


def _done(operation: Any) -> tuple[Any, float]:
    from shared_apps.lifecycle.services import run_operation

    start = time.perf_counter()
    operation = run_operation(operation.pk)
    seconds = time.perf_counter() - start
    if operation.status != "done":
        raise RuntimeError(f"{operation} is {operation.status}: {operation.error}")
    return operation, seconds


def _copied_out(schema: str, folder: Path) -> tuple[dict[str, Path], float]:
    """The limit of an export: every table that travels, into a file each."""
    from shared_apps.lifecycle.exporting import shape_of

    copies = {table.name: folder / f"{table.name}.copy" for table in shape_of(schema)[1]}
    with _raw() as connection:
        start = time.perf_counter()
        for table, path in copies.items():
            statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
            with path.open("wb") as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
                for block in copy:
                    file.write(block)
        return copies, time.perf_counter() - start


def _copied_in(copies: dict[str, Path], subdomain: str) -> tuple[Any, float]:
    """The limit of a restore: the files into an empty tenant, in one transaction."""
    from shared_apps.clients.services import sign_up

    password = secrets.token_urlsafe(16)
    email = f"owner@{subdomain}.example"
    client = sign_up(company=subdomain, subdomain=subdomain, email=email, password=password)
    with _raw() as connection:
        for table in reversed(copies):
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(client.schema_name, table)))
        _checkpoint()
        start = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            for table, path in copies.items():
                statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(client.schema_name, table))
                with path.open("rb") as file, cursor.copy(statement) as copy:
                    while block := file.read(1 << 18):
                        copy.write(block)
        return client, time.perf_counter() - start


@contextlib.contextmanager
def _raw() -> Iterator[psycopg.Connection[Any]]:
    from django.conf import settings

    entry = settings.DATABASES["migrator"]
    names = {"host": entry["HOST"], "port": entry["PORT"], "dbname": entry["NAME"]}
    login = {"user": entry["USER"], "password": entry["PASSWORD"]}
    with psycopg.connect(**names, **login, autocommit=True) as connection:
        yield connection


def _checkpoint() -> None:
    from django.conf import settings

    # What was written before must not be flushed on the time of what is measured.
    with psycopg.connect(settings.ADMIN_DATABASE_URL, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _forget(clients: list[Any], files: list[Path]) -> None:
    from django.db import transaction

    from shared_apps.lifecycle.making import forget_client

    for client in clients:
        with transaction.atomic(using="migrator"):
            forget_client(client)
    for path in files:
        path.unlink()


def _peak_memory_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(vars(one_round(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))))
