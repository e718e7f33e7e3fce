"""Importing a shop's history beside the limit: COPY of the rows that came of it into another tenant's empty tables.

Each import runs in a process of its own, as in a worker, so that its memory is the import's. The tables of the limit
are a tenant's real ones, with all their indexes, checks and foreign keys. Rounds are interleaved.
"""

import contextlib
import csv
import json
import lzma
import os
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

from bench.report import Report, Result
from config import env
from config.variables import VARIABLES
from infra.local.services import postgres, temporary_folder, valkey

ROUNDS: Final = 3
REAL_FILE: Final = env.ROOT.parent / "shared/data/online-retail/online-retail-2010-12_2011-08.csv.xz"
INVOICES: Final = 10_000
MOST_MEMORY_MB: Final = 512
# In this order foreign keys find what they point to.
TABLES: Final = ("products_product", "orders_customer", "orders_order", "orders_orderline")
HOW: Final = (
    "ours: from the queue to the last order, validated and numbered, in one worker, by the file's lines and wall time.",
    "limit: psycopg copies the finished rows of the four tables, as text in one transaction, into an empty tenant.",
    "Worker's memory is its peak, interpreter and framework included; its limit is the 512 MB that the design allows.",
)


@dataclass(frozen=True)
class Round:
    """One import and one copy of its rows."""

    lines: int
    seconds: float
    again_seconds: float
    memory_mb: float
    copy_seconds: float

    @property
    def ratio(self) -> float:
        """Our speed as a share of the limit's."""
        return self.copy_seconds / self.seconds


def run() -> Report:
    """The benchmark as `bin/bench import` runs it."""
    with temporary_folder() as folder:
        file, source = _order_lines(folder)
        rounds = measure(file, folder)
    return Report("import", results(rounds), notes=(*HOW, f"File: {source}, {rounds[0].lines:,} lines."))


def measure(file: Path, folder: Path, *, rounds: int = ROUNDS) -> list[Round]:
    """Run the rounds on a PostgreSQL of their own that keeps its promises about crashes."""
    with _platform(folder) as (administrator, environment):
        return [_round(administrator, environment, file, number) for number in range(rounds)]


def results(rounds: list[Round]) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out."""
    lines, memory = rounds[0].lines, max(one.memory_mb for one in rounds)
    return [
        Result(
            "order_lines",
            "lines/s",
            ours=lines / median(one.seconds for one in rounds),
            limit=lines / median(one.copy_seconds for one in rounds),
            ratio_to_limit=median(one.ratio for one in rounds),
            runs=len(rounds),
        ),
        Result(
            "same_file_again",
            "lines/s",
            ours=lines / median(one.again_seconds for one in rounds),
            runs=len(rounds),
        ),
        Result(
            "worker_memory",
            "MB",
            ours=memory,
            limit=MOST_MEMORY_MB,
            ratio_to_limit=MOST_MEMORY_MB / memory,
            runs=len(rounds),
        ),
    ]


def _round(administrator: str, environment: dict[str, str], file: Path, number: int) -> Round:
    command = [sys.executable, "-m", "bench.imports", str(file), str(number)]
    done = subprocess.run(
        command, cwd=env.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    copied = _copy(administrator, said["full"], said["empty"])
    return Round(said["lines"], said["seconds"], said["again_seconds"], said["memory_mb"], copied)


# The limit


def _copy(administrator: str, source: str, target: str) -> float:
    """Seconds that COPY takes for all rows of a tenant, into another tenant that has none."""
    with psycopg.connect(administrator, autocommit=True) as connection:
        rows = {table: _read(connection, source, table) for table in TABLES}
        connection.execute("CHECKPOINT")
        start = time.perf_counter()
        with connection.transaction():
            for table, content in rows.items():
                _write(connection, target, table, content)
        return time.perf_counter() - start


def _read(connection: psycopg.Connection[Any], schema: str, table: str) -> list[bytes]:
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return [bytes(block) for block in copy]


def _write(connection: psycopg.Connection[Any], schema: str, table: str, content: list[bytes]) -> None:
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(schema, table))
    block = b"".join(content)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(block)


# The platform and its file


@contextlib.contextmanager
def _platform(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A prepared database and a queue: the administrator's URL, and the environment of what runs on them."""
    with postgres(durable=True) as administrator, valkey() as queue:
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        environment = kept | {
            "DATABASE_URL": administrator,
            "REDIS_URL": queue,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ENV_FILES": "false",
            "LOG_LEVEL": "ERROR",
            "MEDIA_ROOT": str(folder / "media"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, "manage.py", "prepare", "--verbosity", "0"]
        subprocess.run(command, cwd=env.ROOT, env=environment, check=True)
        yield administrator, environment


def _order_lines(folder: Path) -> tuple[Path, str]:
    """The file to import, and what it is: a real shop's if it is at hand, else one of the same shape."""
    path = folder / "order-lines.csv"
    if REAL_FILE.exists():
        path.write_bytes(lzma.decompress(REAL_FILE.read_bytes()))
        return path, "Online Retail (UCI)"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
        )
        writer.writerows(row for number in range(INVOICES) for row in _invoice(number))
    return path, "generated"


def _invoice(number: int) -> Iterator[list[str]]:
    """A made-up invoice of 1 to 39 lines; each 50th line has no price."""
    at = f"2011-{1 + number * 9 // INVOICES:02}-{1 + number % 28:02} {8 + number % 10:02}:00:00"
    for line in range(1 + number * 7 % 39):
        sku = 10_000 + (number * 31 + line * 977) % 3_600
        price = "0.00" if (number + line) % 50 == 0 else f"{1 + sku % 900 / 100:.2f}"
        yield [str(536_365 + number), str(sku), f"THING {sku}", "6", at, price, str(12_346 + number % 3_000)]


# The process that imports


def import_once(file: Path, number: int) -> dict[str, Any]:
    """Import a file into a fresh tenant, then once more; what it took, and an empty tenant for the limit."""
    from tenants.context import tenant_context

    full, empty = (_tenant(f"bench-{kind}-{number}") for kind in ("full", "empty"))
    with tenant_context(full):
        lines, seconds = _imported(file)
        memory_mb = _peak_memory_mb()
        _, again = _imported(file)
    return {
        "full": full.schema,
        "empty": empty.schema,
        "lines": lines,
        "seconds": seconds,
        "again_seconds": again,
        "memory_mb": memory_mb,
    }


def _tenant(subdomain: str) -> Any:
    from shared_apps.clients.services import as_tenant, sign_up

    email = f"owner@{subdomain}.example"
    client = sign_up(company=subdomain, subdomain=subdomain, email=email, password=secrets.token_urlsafe(16))
    return as_tenant(client)


def _imported(path: Path) -> tuple[int, float]:
    """Lines of the file and seconds from the claim of the job to its end; the upload comes before."""
    from django.core.files import File
    from django.db import transaction

    from tenant_apps.imports.models import Import
    from tenant_apps.imports.running import run_import
    from tenant_apps.imports.services import upload_import
    from tenants.audit.actors import Actor

    with path.open("rb") as file, transaction.atomic():
        job = upload_import(actor=Actor.system("bench"), file=File(file), name=path.name, start=True)
    start = time.perf_counter()
    run_import(job.pk)
    seconds = time.perf_counter() - start
    with transaction.atomic():
        job = Import.objects.get(pk=job.pk)
    if job.status != Import.Status.DONE:
        raise RuntimeError(f"The import is {job.status}: {job.error}")
    return job.rows_read, seconds


def _peak_memory_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(import_once(Path(sys.argv[1]), int(sys.argv[2]))))
