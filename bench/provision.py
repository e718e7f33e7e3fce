"""Making tenants: from the pool beside stock django-tenants, without it beside the same DDL alone, and over HTTP.

Each way is a process of its own on one PostgreSQL. Rounds are interleaved: in each, every way has its turn.
"""

import contextlib
import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Final
from urllib.parse import urlencode, urlsplit

import redis

from bench.fleet import Fleet, Server, at_run_time, make_fleet, own_database
from bench.report import Report, Result
from config import env
from infra.local.ports import LOOPBACK, free_port

ROUNDS: Final = 15
CLAIMS, CREATIONS, SIGN_UPS = 10, 20, 3
WEB_WORKERS: Final = 2
START_SECONDS: Final = 60
PASSWORD: Final = "correct horse battery"
HOW: Final = (
    "claim_from_pool: what a sign-up waits for the database when its schema comes from the pool: checks, claim, rows,",
    "commit. peer: stock django-tenants making client, schema, domain and owner, with as many tables, by wall clock.",
    "By wall clock too (Python and the order of the mail included, the hashing of the password left out), a sign-up",
    "took {wall:.1f} ms, which is {apart:.0f} times less than the peer's.",
    "signup_http: from the POST of the form to the first page of the new workspace, its owner signed in, on the web",
    "server that bin/dev starts; the hashing of the password included.",
    "empty_pool: a schema without the pool, from its role to the commit, its row in the ledger included. limit:",
    "psycopg sends the same tables, seed rows, role and rights, one message a schema, {creations} of each in a round.",
)


@dataclass
class Side:
    """One process that makes tenants."""

    process: subprocess.Popen[str]

    def order(self, words: str = "") -> list[dict[str, float]]:
        """Have it do something, if anything is said, and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if words:
            self.process.stdin.write(f"{words}\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("A side ended early; what it said stands above.")
        answer: list[dict[str, float]] = json.loads(line)
        return answer


@dataclass
class Round:
    """What one turn of every way took, in seconds for each tenant."""

    claims: list[dict[str, float]]
    stock: dict[str, float]
    empty: float
    raw: float
    http: list[float] = field(default_factory=list)

    def claim(self, part: str) -> float:
        """The round's typical sign-up."""
        return median(claim[part] for claim in self.claims)


def run() -> Report:
    """The benchmark as `bin/bench provision` runs it."""
    rounds = measure()
    facts = {
        "wall": 1000 * median(each.claim("wall") for each in rounds),
        "apart": median(each.stock["wall"] / each.claim("wall") for each in rounds),
        "creations": CREATIONS,
    }
    return Report("provision", results(rounds), notes=tuple(line.format(**facts) for line in HOW))


def measure(
    *,
    rounds: int = ROUNDS,
    claims: int = CLAIMS,
    creations: int = CREATIONS,
    sign_ups: int = SIGN_UPS,
    web_workers: int = WEB_WORKERS,
    server: Server | None = None,
) -> list[Round]:
    """Run the rounds; a first one warms up and is forgotten."""
    with (
        make_fleet(0, server=server) as fleet,
        _sides(fleet) as sides,
        _web_server(fleet, web_workers) as port,
    ):
        ours, stock, raw = sides["ours"], sides["stock"], sides["raw"]

        def turn(number: int) -> Round:
            done = Round(
                claims=ours.order(f"claim {claims}"),
                stock=stock.order("create 1")[0],
                empty=ours.order(f"empty {creations}")[0]["wall"] / creations,
                raw=raw.order(f"empty {creations}")[0]["wall"] / creations,
            )
            ours.order(f"fill {sign_ups}")
            done.http = [_sign_up(fleet, port, f"web-{number}-{each}") for each in range(sign_ups)]
            return done

        return [turn(number) for number in range(rounds + 1)][1:]


def results(rounds: list[Round]) -> list[Result]:
    """What the rounds say. Ratios are medians of the rounds' own ratios: the machine's drift cancels out."""
    return [
        Result(
            "claim_from_pool",
            "ms",
            ours=1000 * median(each.claim("database") for each in rounds),
            peer=1000 * median(each.stock["wall"] for each in rounds),
            ratio_to_peer=median(each.stock["wall"] / each.claim("database") for each in rounds),
            runs=len(rounds),
        ),
        Result(
            "signup_http",
            "ms",
            ours=1000 * median(seconds for each in rounds for seconds in each.http),
            runs=sum(len(each.http) for each in rounds),
        ),
        Result(
            "empty_pool",
            "ms",
            ours=1000 * median(each.empty for each in rounds),
            limit=1000 * median(each.raw for each in rounds),
            ratio_to_limit=median(each.raw / each.empty for each in rounds),
            runs=len(rounds),
        ),
    ]


# Processes


@contextlib.contextmanager
def _sides(fleet: Fleet) -> Iterator[dict[str, Side]]:
    environment = fleet.environment | {"PEER_DATABASE_URL": own_database(fleet.administrator, "bench_stock")}
    with contextlib.ExitStack() as stack:
        sides = {
            name: Side(
                stack.enter_context(_process([sys.executable, "-m", "bench.peers.makers", name], environment))
            )
            for name in ("ours", "stock", "raw")
        }
        for side in sides.values():
            side.order()
        yield sides


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=env.ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


# Over HTTP


@contextlib.contextmanager
def _web_server(fleet: Fleet, workers: int) -> Iterator[int]:
    """The web process as bin/dev starts it; its port."""
    port = free_port()
    environment = at_run_time(fleet) | {
        "WEB_PORT": str(port),
        "PUBLIC_PORT": str(port),
        "WEB_WORKERS": str(workers),
    }
    with _process([sys.executable, "-m", "infra.local.processes", "web"], environment):
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if time.monotonic() > deadline:
                raise RuntimeError("The web server did not start; what it said stands above.")
            time.sleep(0.05)
        yield port


def _answers(port: int) -> bool:
    try:
        return _Browser(port).get("localhost", "/sign-up/")[0] == 200
    except OSError:
        return False


def _sign_up(fleet: Fleet, port: int, name: str) -> float:
    """Seconds from the sign-up's POST to the first page of the workspace."""
    cache = redis.Redis.from_url(fleet.environment["REDIS_URL"])
    for key in cache.scan_iter("*limit*"):
        cache.delete(key)  # all of them come from one address
    browser = _Browser(port)
    _, page, _ = browser.get("localhost", "/sign-up/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if token is None:
        raise RuntimeError(f"The sign-up form has no token: {page[:300]}")
    form = {
        "csrfmiddlewaretoken": token[1],
        "company": name,
        "subdomain": name,
        "email": f"owner@{name}.example",
        "password": PASSWORD,
    }
    began = time.perf_counter()
    page = browser.follow("localhost", browser.post("localhost", "/sign-up/", form))
    seconds = time.perf_counter() - began
    if form["email"] not in page:
        raise RuntimeError(f"The first page does not know its owner: {page[:300]}")
    return seconds


class _Browser:
    """As much of a browser as a sign-up needs: cookies by host, and redirects."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, dict[str, str]]()

    def get(self, host: str, path: str) -> tuple[int, str, str]:
        """Status, body and Location of a page."""
        return self._ask("GET", host, path, None)

    def post(self, host: str, path: str, form: dict[str, str]) -> str:
        """Where a form leads to."""
        status, page, location = self._ask("POST", host, path, urlencode(form))
        if status != 302:
            raise RuntimeError(f"The form of {path} answered {status}: {page[:2000]}")
        return location

    def follow(self, host: str, location: str) -> str:
        """The page at the end of the redirects."""
        while location:
            parts = urlsplit(location)
            host = parts.hostname or host
            status, page, location = self.get(host, parts.path)
        if status != 200:
            raise RuntimeError(f"{parts.path} on {host} answered {status}: {page[:300]}")
        return page

    def _ask(self, method: str, host: str, path: str, body: str | None) -> tuple[int, str, str]:
        known = self.cookies.setdefault(host, {})
        headers = {
            "Host": f"{host}:{self.port}",
            "Cookie": "; ".join(f"{name}={value}" for name, value in known.items()),
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{host}:{self.port}",
        }
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            known[name] = value
        page = answer.read().decode()
        connection.close()
        return answer.status, page, answer.headers.get("Location") or ""
