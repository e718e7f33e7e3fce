"""Many tenants on one server: what two thousand schemas cost a request, and how large a backend grows.

Two fleets, each on a server of its own, of ten tenants and of two thousand, with the same rows in each tenant. The
requests go round all tenants of a fleet in a random order, so that none is helped by its neighbour in time.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any, Final

import psycopg

from bench.fleet import Fleet, make_fleet
from bench.report import Report, Result
from config import env

FEW, MANY = 10, 2_000
ROUNDS, REQUESTS = 30, 100
# The rule of docs/many-tenants.md: each tenant stays with a connection that is never full.
POOL: Final = MANY // env.integer("TENANTS_PER_CONNECTION") + 2
# What is usual is a quarter of the server's memory; the default of 128 MB would not hold two thousand catalogs.
BUFFERS: Final = "2GB"
SHELF: Final = ("products_category", "products_product")
# With the settings that docs/many-tenants.md names for so many tenants, and with those that nobody has touched.
WAYS: Final = {"pooled": {"DATABASE_POOL_SIZE": str(POOL)}, "plain": {"DATABASE_POOL_SIZE": "0"}}
FOR_EVER: Final = {"DATABASE_POOL_SIZE": "0", "TENANTS_PER_CONNECTION": "1000000"}
HOW: Final = (
    "request_p95: the 95th percentile of the product list (as in `bin/bench request`, by wall clock, one request at a",
    "time) with {many} tenants over that with {few}; the median of {rounds} interleaved rounds of {requests} requests",
    "each, which go round all tenants in a random order. Both sides with DATABASE_POOL_SIZE={pool} and shared buffers",
    "of {buffers}.",
    "backend_memory: the most that a backend has for itself (Pss_Anon of smaps_rollup) while every table of all",
    "{many} tenants is read over one connection; peer: the same without recycling. ratio_to_limit: 100 MiB over ours.",
)
MOST_MIB: Final = 100.0


@dataclass
class Side:
    """One process on one fleet."""

    process: subprocess.Popen[str]
    rounds: list[list[float]] = field(default_factory=list)

    def read(self) -> Any:
        """The next line that it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("A side ended early; what it said stands above.")
        return json.loads(line)

    def order(self, words: str) -> Any:
        """Have it do something, and wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()
        return self.read()


@dataclass(frozen=True)
class Measured:
    """What was measured: milliseconds of each request by way, fleet and round, and memory in MiB."""

    few: dict[str, list[list[float]]]
    many: dict[str, list[list[float]]]
    recycled_mib: float
    kept_mib: float
    pooled_mib: list[float]

    def p95_ratio(self, way: str) -> float:
        """The 95th percentile with many tenants over that with few, round by round."""
        pairs = zip(self.many[way], self.few[way], strict=True)
        return median(p95(many) / p95(few) for many, few in pairs)


def run() -> Report:
    """The benchmark as `bin/bench scale` runs it."""
    return report(measure())


def measure(*, few: int = FEW, many: int = MANY, rounds: int = ROUNDS, requests: int = REQUESTS) -> Measured:
    """Run both fleets, interleaved; then let single connections meet everybody."""
    with _fleet(few) as small, _fleet(many) as large, contextlib.ExitStack() as stack:
        sides = {
            (fleet, way): stack.enter_context(side(which, options))
            for way, options in WAYS.items()
            for fleet, which in (("few", small), ("many", large))
        }
        for (fleet, _), one in sides.items():
            # Twice round, so that each tenant has been met before it is measured, as after hours of work.
            one.order(f"serve {2 * (many if fleet == 'many' else max(few, 100))}")
        _interleave(list(sides.values()), rounds, requests)
        times = {fleet: {way: sides[fleet, way].rounds for way in WAYS} for fleet in ("few", "many")}
        pooled = sides["many", "pooled"].order("memory")
        stack.close()
        return Measured(
            **times, recycled_mib=_touched(large, {}), kept_mib=_touched(large, FOR_EVER), pooled_mib=pooled
        )


def report(measured: Measured) -> Report:
    """The figures and what has to be known to read them."""
    ratio = measured.p95_ratio("pooled")
    rounds = len(measured.many["pooled"])
    ours, peer = measured.recycled_mib, measured.kept_mib
    results = [
        Result(
            "request_p95_2000_vs_10", "ratio", ours=ratio, limit=1.0, ratio_to_limit=1 / ratio, runs=rounds
        ),
        Result(
            "backend_memory_mib",
            "MiB",
            ours=ours,
            peer=peer,
            limit=MOST_MIB,
            ratio_to_peer=peer / ours,
            ratio_to_limit=MOST_MIB / ours,
            runs=1,
        ),
    ]
    return Report("scale", results, notes=_notes(measured))


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(times, n=20)[-1]


def _notes(measured: Measured) -> tuple[str, ...]:
    rounds, requests = len(measured.many["pooled"]), len(measured.many["pooled"][0])
    facts = {
        "few": FEW,
        "many": MANY,
        "rounds": rounds,
        "requests": requests,
        "pool": POOL,
        "buffers": BUFFERS,
    }
    how = (line.format(**facts) for line in HOW)
    head = f"{'wall ms a request':<26}{'median':>8}{'p95':>8}{'p99':>8}"
    sides = (
        _note(f"{way}, {label} tenants", times[way])
        for way in WAYS
        for label, times in ((f"{FEW}", measured.few), (f"{MANY}", measured.many))
    )
    pool = ", ".join(f"{mib:.0f}" for mib in measured.pooled_mib)
    return (
        *how,
        "",
        head,
        *sides,
        "",
        f"p95 without a pool, on one recycled connection: {measured.p95_ratio('plain'):.2f} ×.",
        f"Backends after the requests, largest last, in MiB: {pool}.",
    )


def _note(name: str, rounds: list[list[float]]) -> str:
    times = sorted(time for one in rounds for time in one)
    at = (median(times), p95(times), times[int(len(times) * 0.99)])
    return f"{name:<26}" + "".join(f"{figure:>8.2f}" for figure in at)


def _interleave(sides: list[Side], rounds: int, requests: int) -> None:
    """Serve in turns; the side that begins changes from round to round."""
    for number in range(rounds):
        turn = number % len(sides)
        for one in sides[turn:] + sides[:turn]:
            one.rounds.append(one.order(f"serve {requests}"))


def _touched(fleet: Fleet, options: dict[str, str]) -> float:
    with side(fleet, options) as one:
        most: float = one.order("touch")
        return most


# Fleets and processes


@contextlib.contextmanager
def _fleet(count: int) -> Iterator[Fleet]:
    with make_fleet(count, buffers=BUFFERS) as fleet:
        fill(fleet)
        yield fleet


def fill(fleet: Fleet) -> None:
    """Give every tenant the same products: made once by the product, then copied from schema to schema."""
    first = fleet.schemas[0]
    make = "import django; django.setup(); from bench.peers.on_fleet import fill_first; fill_first()"
    subprocess.run([sys.executable, "-c", make], cwd=env.ROOT, env=fleet.environment, check=True)
    with psycopg.connect(fleet.administrator, autocommit=True) as connection:
        columns = {table: _columns(connection, first, table) for table in SHELF}
        for schema in fleet.schemas:
            if schema != first:
                copies = (
                    f'INSERT INTO "{schema}"."{table}" ({those}) SELECT {those} FROM "{first}"."{table}"'
                    for table, those in columns.items()
                )
                connection.execute(";".join(copies))
            # Not the whole database: autovacuum is off, and the fleet was vacuumed when it was made.
            tables = ", ".join(f'"{schema}"."{table}"' for table in SHELF)
            connection.execute(f"VACUUM ANALYZE {tables}")


def _columns(connection: "psycopg.Connection[Any]", schema: str, table: str) -> str:
    """The columns that are written; what the database computes of them it computes again."""
    query = (
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s AND is_generated = 'NEVER'"
    )
    (columns,) = connection.execute(query, [schema, table]).fetchone() or ("",)
    return str(columns)


@contextlib.contextmanager
def side(fleet: Fleet, options: dict[str, str]) -> Iterator[Side]:
    """A process on a fleet, ready for orders."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.on_fleet"],
        cwd=env.ROOT,
        env=fleet.environment | options,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        one = Side(process)
        one.read()
        yield one
    finally:
        process.kill()
        process.wait()
