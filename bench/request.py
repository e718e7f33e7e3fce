"""Requests: ours beside a stock django-tenants project, and beside ourselves without tenancy.

Each side is a process that calls its own WSGI application, so that no HTTP server blurs the figures. Rounds are
interleaved, and what is compared is CPU time: the process's own and that of its PostgreSQL backends. Then both are
asked through the web server that `bin/dev` starts, by 16 connections, and what is compared is the clock.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import psycopg

from bench.fleet import Server, at_run_time, make_fleet, own_database
from bench.loads import Call, flood, stroll, tail, web_server
from bench.report import Report, Result
from config import env

SIDES: Final = ("ours", "stock", "plain", "raw")
TENANTS, ROUNDS, REQUESTS = 10, 60, 20
WARM_UP: Final = 100
CALLS: Final = ("list", "retrieve", "create_order", "not_modified")
CREDENTIALS: Final = ("jwt", "token")
# Stock's 304 is its list, whose bytes are dropped once they are made; what it is compared with is the list as it is.
PEERS: Final = {f"not_modified_{kind}": f"list_{kind}" for kind in CREDENTIALS}
_SCENARIOS: Final = [f"{call}_{kind}" for kind in CREDENTIALS for call in CALLS]
TAX: Final = "list_ordinary"
# The applications for the web server, and the settings that they need.
WEB: Final = {
    "ours": (["config.wsgi:application"], "config.settings"),
    "stock": (["--factory", "django.core.wsgi:get_wsgi_application"], "bench.peers.stock.settings"),
}
FLOODS, SECONDS = 3, 1.0
STEADY: Final = 10
BAR: Final = 3.0
HOW: Final = (
    "list: 20 of 200 products with their categories; retrieve: one of them; create_order: a draft of three lines;",
    "not_modified: the list, to callers who have it (stock: the list). With an access token (jwt) and an API token",
    "(token), in turn for each tenant, with limits, metering and tags. requests/s are per second of CPU on one core:",
    "the Python process and its PostgreSQL backends, without an HTTP server. Rounds of all sides are interleaved.",
    "peer: stock django-tenants. limit: psycopg, PyJWT and orjson alone (list_jwt), no tenancy at all (tenancy_tax:",
    "the list on the ordinary way on both sides, since without tenancy there is no short one).",
    "*_http: requests a second by the clock, through the web server, asked by 16 connections that are kept open, with",
    "database and client on the same machine. p99_at_half_load: of list_jwt, from when each request was due, at half",
    "of its requests a second; as a multiple of the median.",
)


@dataclass
class Side:
    """One side's process and what its rounds cost."""

    name: str
    process: subprocess.Popen[str]
    probe: dict[str, Any] = field(default_factory=dict)
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    floods: dict[str, list[float]] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)

    def read(self) -> dict[str, Any]:
        """The next line that the process says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"The side {self.name!r} ended early; what it said stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def scenarios(self) -> list[str]:
        """What it can serve."""
        return list(self.probe["scenarios"])

    def serve(self, scenario: str, requests: int) -> dict[str, float]:
        """Have it serve some requests."""
        return self._order(scenario, str(requests))

    def calls(self, scenario: str) -> list[Call]:
        """The requests of a scenario, to be sent to a web server."""
        calls: list[Call] = self._order(scenario, "calls")["calls"]
        return calls

    def _order(self, scenario: str, what: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{scenario} {what}\n")
        self.process.stdin.flush()
        return self.read()

    def costs(self, scenario: str) -> list[float]:
        """CPU seconds a request in each round, PostgreSQL's included."""
        return [cost["python"] + cost["postgres"] for cost in self.rounds[scenario]]

    def typical(self, scenario: str, part: str) -> float:
        """The median of one part over all rounds."""
        return median(cost[part] for cost in self.rounds[scenario])


def run() -> Report:
    """The benchmark as `bin/bench request` runs it."""
    sides = measure()
    return Report("request", results(sides), notes=_notes(sides))


def measure(
    *,
    rounds: int = ROUNDS,
    requests: int = REQUESTS,
    tenants: int = TENANTS,
    warm_up: int = WARM_UP,
    seconds: float = SECONDS,
    server: Server | None = None,
) -> dict[str, Side]:
    """Run all sides, interleaved; the side that begins changes from round to round."""
    with _sides(tenants, server) as sides:
        for side in sides:
            for scenario in side.scenarios:
                side.serve(scenario, warm_up)
        for number in range(rounds):
            turn = number % len(sides)
            for side in sides[turn:] + sides[:turn]:
                for scenario in side.scenarios:
                    side.rounds.setdefault(scenario, []).append(side.serve(scenario, requests))
        found = {side.name: side for side in sides}
        if seconds:
            _over_http(found, seconds)
        return found


def _over_http(sides: dict[str, Side], seconds: float) -> None:
    """Ask both through the web server, in turns; then ours at half of what it can."""
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(_serving(sides[name])) for name in WEB}
        for scenario in _SCENARIOS:
            calls = {name: _asked(sides[name], scenario) for name in WEB}
            for turn in range(1 + FLOODS):
                for name, port in ports.items():
                    told = flood(port, calls[name], seconds)
                    # The first one warms up.
                    sides[name].floods.setdefault(scenario, []).extend([told] if turn else [])
        ours = sides["ours"]
        rate = median(ours.floods["list_jwt"]) / 2
        ours.latencies = stroll(ports["ours"], _asked(ours, "list_jwt"), rate, STEADY * seconds)


def _asked(side: Side, scenario: str) -> list[Call]:
    return side.calls(scenario if side.name == "ours" else PEERS.get(scenario, scenario))


def _serving(side: Side) -> AbstractContextManager[int]:
    application, settings = WEB[side.name]
    return web_server(application, side.environment | {"DJANGO_SETTINGS_MODULE": settings})


def results(sides: dict[str, Side]) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out."""
    tax = _ratio(sides["ours"].costs(TAX), sides["plain"].costs(TAX))
    runs = len(sides["ours"].rounds[TAX])
    return [
        *(_beside_stock(sides, scenario) for scenario in _SCENARIOS),
        Result("tenancy_tax", "ratio", ours=tax, limit=1.0, ratio_to_limit=1 / tax, runs=runs),
        *(_by_the_clock(sides, scenario) for scenario in sides["ours"].floods),
        *([_tail(sides["ours"])] if sides["ours"].latencies else []),
    ]


def _by_the_clock(sides: dict[str, Side], scenario: str) -> Result:
    ours, stock = sides["ours"].floods[scenario], sides["stock"].floods[scenario]
    return Result(
        f"{scenario}_http",
        "requests/s",
        ours=median(ours),
        peer=median(stock),
        ratio_to_peer=_ratio(ours, stock),
        runs=len(ours),
    )


def _tail(side: Side) -> Result:
    middle, high = tail(side.latencies)
    far = high / middle
    return Result(
        "p99_at_half_load", "× p50", ours=far, limit=BAR, ratio_to_limit=BAR / far, runs=len(side.latencies)
    )


def _beside_stock(sides: dict[str, Side], name: str) -> Result:
    ours = sides["ours"].costs(name)
    stock = sides["stock"].costs(PEERS.get(name, name))
    raw = sides["raw"].costs(name) if name in sides["raw"].rounds else None
    return Result(
        name,
        "requests/s",
        ours=1 / median(ours),
        peer=1 / median(stock),
        limit=1 / median(raw) if raw else None,
        ratio_to_peer=_ratio(stock, ours),
        ratio_to_limit=_ratio(raw, ours) if raw else None,
        runs=len(ours),
    )


def _ratio(above: list[float], below: list[float]) -> float:
    return median(one / other for one, other in zip(above, below, strict=True))


def _notes(sides: dict[str, Side]) -> tuple[str, ...]:
    head = f"{'CPU ms a request':<28}{'Python':>8}{'PostgreSQL':>12}{'together':>10}{'wall ms':>9}"
    lines = [_note(side, scenario) for side in sides.values() for scenario in side.rounds]
    return (*HOW, "", head, *lines, "")


def _note(side: Side, scenario: str) -> str:
    python, backend, wall = (1000 * side.typical(scenario, part) for part in ("python", "postgres", "wall"))
    figures = f"{python:>8.2f}{backend:>12.2f}{1000 * median(side.costs(scenario)):>10.2f}{wall:>9.2f}"
    return f"{side.name + ' ' + scenario:<28}{figures}"


# Processes and databases


@contextlib.contextmanager
def _sides(tenants: int, server: Server | None) -> Iterator[list[Side]]:
    with contextlib.ExitStack() as stack:
        fleet = stack.enter_context(make_fleet(0, server=server))
        sides = []
        for name in SIDES:
            own = at_run_time(fleet) | {
                "PEER_DATABASE_URL": own_database(fleet.administrator, f"bench_{name}")
            }
            process = stack.enter_context(_process(name, tenants, own))
            sides.append(Side(name, process, environment=own))
        for side in sides:
            side.probe = side.read()
        _tidy(fleet.administrator)
        yield sides


@contextlib.contextmanager
def _process(name: str, tenants: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.peers.serve", name, str(tenants)]
    process = subprocess.Popen(
        command, cwd=env.ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _tidy(administrator: str) -> None:
    """Let the planner know all rows; autovacuum is off, so that it cannot come between the rounds."""
    for name in ("rowhouse", *(f"bench_{side}" for side in SIDES)):
        with psycopg.connect(administrator, dbname=name, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
