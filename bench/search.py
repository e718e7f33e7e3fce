"""Searches and lists of a shop with 100,000 rows in each: milliseconds of whole requests, by API and by portal.

The rows are made by the database (`bench.warehouse`), the questions come from the declarations of viewsets and portal
lists (`bench.asking`). One process asks them one by one, in rounds over all of them, by calling its own WSGI
application, so that no HTTP server blurs the figures; nothing is asked from a cache.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any, Final

from bench.asking import RUNS
from bench.fleet import Fleet, make_fleet
from bench.report import Report, Result
from bench.warehouse import LONG_LISTS, ROWS, SHOP, fill
from config import env

BUFFERS: Final = "2GB"
SEARCH_MS, LIST_MS = 50.0, 100.0
SLOWEST: Final = 20
HOW: Final = (
    "ours: the 95th percentile of whole requests in ms; ratio_to_limit above 1 is under the bar.",
    "product_*, customer_*, order_*, everywhere_* (the palette of the portal): one search; limit: {search:.0f} ms.",
    "api …, portal …: a list by the slowest of what it can be asked; limit: {list:.0f} ms: each order, a page {deep}",
    "rows down each, each filter alone and with an order, a search. {rows:,} rows in every list, {runs} rounds.",
)


@dataclass(frozen=True)
class Asked:
    """One question and how long each of its answers took, in ms."""

    of: str
    says: str
    ms: list[float]
    cpu_ms: list[float]

    @property
    def median(self) -> float:
        return median(self.ms)

    @property
    def p95(self) -> float:
        """The 95th percentile: of twenty, the second from above."""
        return sorted(self.ms)[max(0, int(len(self.ms) * 0.95) - 1)]

    @property
    def limit(self) -> float:
        """The bar: lists may take longer than searches."""
        return LIST_MS if self.of.startswith(("api ", "portal ")) else SEARCH_MS


def run() -> Report:
    """The benchmark as `bin/bench search` runs it."""
    questions, asked = measure()
    return report(questions, asked)


def measure(*, rows: int = ROWS, runs: int = RUNS) -> tuple[int, list[Asked]]:
    """Fill a shop on a server of its own, and ask it everything."""
    with make_fleet(2, buffers=BUFFERS) as fleet:
        for schema, statements in zip(fleet.schemas, (SHOP, LONG_LISTS), strict=True):
            fill(fleet.administrator, schema, statements, rows=rows)
        return ask(fleet, runs)


def ask(fleet: Fleet, runs: int) -> tuple[int, list[Asked]]:
    """How much a process on the fleet has asked, and the slowest answers of each list."""
    command = [sys.executable, "-m", "bench.asking", str(runs)]
    environment = fleet.environment | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        command, cwd=env.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said["questions"], [Asked(**one) for one in said["answers"]]


def report(questions: int, asked: list[Asked]) -> Report:
    """A figure for each search and for each list, and the slowest questions of all below them."""
    groups = [list(group) for _, group in groupby(asked, key=lambda one: one.of)]
    return Report("search", [_result(group) for group in groups], notes=_notes(questions, asked))


def _result(group: list[Asked]) -> Result:
    slowest = max(group, key=lambda one: one.p95)
    return Result(
        slowest.of,
        "ms",
        ours=slowest.p95,
        limit=slowest.limit,
        ratio_to_limit=slowest.limit / slowest.p95,
        runs=len(slowest.ms),
    )


def _notes(questions: int, asked: list[Asked]) -> tuple[str, ...]:
    facts = {"search": SEARCH_MS, "list": LIST_MS, "deep": "90,000", "rows": ROWS, "runs": len(asked[0].ms)}
    how = (line.format(**facts) for line in HOW)
    late = [one for one in asked if one.p95 > one.limit]
    head = f"Of {questions:,} questions {len(late)} are above their bar. The slowest, with what processor they took:"
    return (*how, "", head, f"{'median':>8}{'p95':>8}{'cpu':>8}  ms", *_slowest(asked), "")


def _slowest(asked: Iterable[Asked]) -> list[str]:
    found = sorted(asked, key=lambda one: one.limit / one.p95)[:SLOWEST]
    return [
        f"{one.median:>8.1f}{one.p95:>8.1f}{median(one.cpu_ms):>8.1f}  {one.of}?{one.says[:90]}"
        for one in found
    ]
