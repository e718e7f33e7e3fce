"""Migrating the fleet beside a raw loop over its schemas, and beside a stock django-tenants project.

What is measured of ours is the whole command: plans, public, the template, canaries and everybody else, in a process of
its own that has just started. Rounds of all sides are interleaved, on one PostgreSQL that waits for the disk.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import mean, median
from typing import Any, Final

from bench.fleet import Fleet, make_fleet, own_database
from bench.report import Report, Result
from config import env

SETTINGS, STOCK_SETTINGS = "bench.peers.growth.settings", "bench.peers.growth.stock"
FEW, MANY = 200, 2000
STOCK: Final = 200
SAMPLED: Final = 4  # of the stock project's tenants, in each round
ROUNDS, ROUNDS_OF_MANY = 7, 3
WORKERS: Final = (1, 2, 4)
ADD_FIELD, CREATE_TABLE = ("0001", "0002"), ("0002", "0003")
ROWS: Final = ("0003", "0004")  # looks at rows: it is run by Django's executor on each schema
CANARIES: Final = 2
BUFFERS: Final = "2GB"
PHASES: Final = ("start", "public", "template", "canaries", "wave")
HOW: Final = (
    "ours: the whole `manage.py migrate`, public and template included, in its own process, once Django is set up.",
    "limit: the same statements and grants in a psycopg loop over the same schemas: one connection, one message and",
    "transaction a schema, nothing written down. No side's commits wait for the disk, but for one at the end.",
    "The server has 2 GB of shared buffers: the default of 128 MB would not hold two thousand catalogs.",
)


@dataclass(frozen=True)
class Round:
    """Seconds that one migration took each side; the stock project's are of one tenant."""

    ours: float
    stock: float
    loop: float = 0.0
    waiting_loop: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)


@dataclass
class Measured:
    """All rounds, and what else was seen."""

    few: int
    many: int
    stock_tenants: int
    add_few: list[Round] = field(default_factory=list)
    add_many: list[Round] = field(default_factory=list)
    create_few: list[Round] = field(default_factory=list)
    nothing: list[Round] = field(default_factory=list)
    by_workers: dict[int, float] = field(default_factory=dict)
    by_executor: float = 0.0
    made_in: float = 0.0


def run() -> Report:
    """The benchmark as `bin/bench migrate` runs it."""
    measured = measure()
    return Report("migrate", results(measured), notes=notes(measured))


def measure(
    *,
    few: int = FEW,
    many: int = MANY,
    stock: int = STOCK,
    rounds: int = ROUNDS,
    rounds_of_many: int = ROUNDS_OF_MANY,
    workers: tuple[int, ...] = WORKERS,
) -> Measured:
    """Make a fleet and a stock project, and migrate both to and fro."""
    measured = Measured(few, many, stock)
    with make_fleet(few, durable=True, settings=SETTINGS, buffers=BUFFERS) as fleet:
        sides = Sides(fleet, make_stock(fleet, stock), stock)
        sides.stand_at(ADD_FIELD[0])
        measured.add_few = [sides.round(number, *ADD_FIELD) for number in range(rounds)]
        measured.by_workers = {count: sides.rate(few, *ADD_FIELD, count) for count in workers}
        sides.stand_at(CREATE_TABLE[0])
        measured.create_few = [sides.round(number, *CREATE_TABLE) for number in range(rounds)]
        sides.stand_at(ROWS[0])
        measured.by_executor = sides.rate(few, *ROWS, max(workers))
        fleet.grow(many)
        sides.stand_at(ROWS[1])
        measured.nothing = [sides.nothing() for _ in range(rounds)]
        sides.stand_at(ADD_FIELD[0])
        measured.add_many = [sides.round(number, *ADD_FIELD) for number in range(rounds_of_many)]
        measured.made_in = fleet.seconds
    return measured


class Sides:
    """The sides of the comparison, each a process that begins anew for each thing it does."""

    def __init__(self, fleet: Fleet, stock: dict[str, str], stock_tenants: int) -> None:
        self._fleet, self._stock = fleet, stock
        self._tenants = cycle(f"stock{number}" for number in range(stock_tenants))

    def stand_at(self, name: str) -> None:
        """Bring the fleet to a migration of the app that grows."""
        self._ours("migrate", "growth", name)

    def round(self, number: int, before: str, after: str) -> Round:
        """Each side migrates, and goes back; the side that begins changes from round to round."""
        # The loop sends what our side has sent, so that in the first round ours begins.
        turns = [self._fleet_there_and_back, self._loop, self._sample]
        found: dict[str, Any] = {}
        for turn in turns[number % len(turns) :] + turns[: number % len(turns)]:
            found |= turn(before, after)
        return Round(**found)

    def nothing(self) -> Round:
        """There is nothing to migrate."""
        return Round(self._ours("migrate")["seconds"], self._sample(ROWS[1])["stock"])

    def rate(self, tenants: int, before: str, after: str, workers: int) -> float:
        """Schemas a second in the waves, by so many workers."""
        phases = self._ours("migrate", "growth", after, "--workers", str(workers))["phases"]
        self.stand_at(before)
        return (tenants - CANARIES) / float(phases["wave"])

    def _fleet_there_and_back(self, before: str, after: str) -> dict[str, Any]:
        said = self._ours("migrate", "growth", after)
        self.stand_at(before)
        return {"ours": said["seconds"], "phases": said["phases"]}

    def _loop(self, before: str, after: str) -> dict[str, Any]:
        del before
        said = self._ours("loop", after)
        return {"loop": said["seconds"], "waiting_loop": said["waiting"]}

    def _sample(self, before: str, after: str = "") -> dict[str, Any]:
        names = ",".join(islice(self._tenants, SAMPLED))
        measured = f"growth {after}" if after else ""
        said = _said(self._stock, "stock", names, f"growth {before}", measured)
        return {"stock": mean(said["seconds"])}

    def _ours(self, *arguments: str) -> dict[str, Any]:
        return _said(self._fleet.environment, *arguments)


def make_stock(fleet: Fleet, tenants: int) -> dict[str, str]:
    """A stock project's database on the fleet's server; the environment of its processes."""
    own = own_database(fleet.administrator, "bench_stock")
    environment = fleet.environment | {"PEER_DATABASE_URL": own, "DJANGO_SETTINGS_MODULE": STOCK_SETTINGS}
    _said(environment, "grow-stock", "0", str(tenants))
    return environment


def _said(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.peers.growth.side", *arguments]
    done = subprocess.run(
        command, cwd=env.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out.


def results(measured: Measured) -> list[Result]:
    """The figures of each migration."""
    few, many = measured.few, measured.many
    nothing = measured.nothing
    return [
        Result(
            f"noop_{many}",
            "s",
            ours=median(one.ours for one in nothing),
            peer=median(one.stock for one in nothing) * many,
            ratio_to_peer=median(one.stock * many / one.ours for one in nothing),
            runs=len(nothing),
        ),
        _migrated(f"add_field_{few}", few, measured.add_few),
        _migrated(f"add_field_{many}", many, measured.add_many),
        _migrated(f"create_table_{few}", few, measured.create_few),
    ]


def _migrated(name: str, tenants: int, rounds: list[Round]) -> Result:
    return Result(
        name,
        "s",
        ours=median(one.ours for one in rounds),
        peer=median(one.stock for one in rounds) * tenants,
        limit=median(one.loop for one in rounds),
        ratio_to_peer=median(one.stock * tenants / one.ours for one in rounds),
        ratio_to_limit=median(one.loop / one.ours for one in rounds),
        runs=len(rounds),
    )


def notes(measured: Measured) -> tuple[str, ...]:
    """What has to be known to read the figures."""
    few, many = measured.few, measured.many
    rates = ", ".join(f"{rate:.0f} by {count}" for count, rate in measured.by_workers.items())
    return (
        *HOW,
        f"peer: stock django-tenants, `migrate_schemas` on {SAMPLED} of its {measured.stock_tenants} tenants a round,",
        f"extrapolated to {few} or {many:,}.",
        f"add_field, schemas a second in the waves by number of workers: {rates}.",
        f"RunPython, run by Django's executor on each schema: {measured.by_executor:.0f} schemas a second.",
        f"The fleet of {many:,} was made in {measured.made_in:.0f} s.",
        "",
        f"{'seconds':<18}" + "".join(f"{phase:>10}" for phase in (*PHASES, "loop", "waiting")),
        _note(f"add_field_{few}", measured.add_few),
        _note(f"add_field_{many}", measured.add_many),
        _note(f"create_table_{few}", measured.create_few),
        "start: imports, plans, connections. canaries: with the look at their catalogs.",
        "waiting: the loop where each commit waits for the disk.",
    )


def _note(name: str, rounds: list[Round]) -> str:
    phases = [median(one.phases.get(phase, 0.0) for one in rounds) for phase in PHASES]
    loops = [median(one.loop for one in rounds), median(one.waiting_loop for one in rounds)]
    return f"{name:<18}" + "".join(f"{seconds:>10.3f}" for seconds in (*phases, *loops))
