"""The whole platform under kill -9 while a shop sells: what was acknowledged is stored, counted and charged, once.

Real processes under bin/dev's supervisor; web, workers, courier, beat, PostgreSQL and the broker are killed in any
order, Stripe's calls fail before and after their effect, and its webhooks come double, late and out of order. Three
deaths in a usual run; `SOAK_KILLS=200 bin/test tests/infra/test_soak.py -s` tells of each.
"""

import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from billing.plans.catalogue import plan_version
from billing.pricing.rating import rate
from billing.stripe.client import Stripe, connect
from infra.local import pids
from infra.local.stranger import Stranger
from tests.infra.running import RUNS, START_SECONDS, at_work_in, dev, mentioning, needs_proc, wait_for
from tests.waiting import wait_until

KILLS = int(os.environ.get("SOAK_KILLS", "3"))
VICTIMS: Final = ("web", "worker", "courier", "beat", "postgres", "valkey")
FAULTS: Final = ("error_before", "error_after", "cut_before", "cut_after", "rate_limit")
HABITS: Final = {"copies": 2, "reorder": 3.0, "drop": 0.3, "retry_seconds": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]}
WELL: Final = {"copies": 1, "reorder": 0.0, "drop": 0.0}
SELLERS: Final = 2
# Who is killed while use is sent keeps its lane for two minutes; after a failure of Stripe its rest grows with each.
REST: Final = 300.0
# The shop of the demo that subscribes. Other companies may be there as well, and go on.
BUYER: Final = "acme"

COUNTED: Final = """
    SELECT meter, sum(quantity)::bigint, (array_agg(quantity ORDER BY occurred_at DESC, recorded_at DESC))[1]
      FROM billing_usagerecord WHERE tenant = %(tenant)s AND occurred_at >= %(since)s GROUP BY meter"""
ROLLED: Final = """
    SELECT meter, sum(quantity)::bigint, (array_agg(quantity ORDER BY hour DESC))[1]
      FROM billing_rollup WHERE tenant = %(tenant)s AND hour >= %(since)s GROUP BY meter"""
SENT: Final = """
    SELECT meter, sum(value)::bigint, (array_agg(value ORDER BY at DESC, revision DESC))[1]
      FROM billing_export WHERE tenant = %(tenant)s AND at >= %(since)s AND status = 'sent' GROUP BY meter"""
UNSETTLED: Final = """
    SELECT (SELECT count(*) FROM inbox_receivedevent WHERE status NOT IN ('processed', 'ignored')),
           (SELECT count(*) FROM billing_export WHERE tenant = %(tenant)s AND at >= %(since)s AND status <> 'sent')"""
EVENTS: Final = """
    SELECT type, status, tries, note, created_at, sweep_at FROM inbox_receivedevent
     WHERE status NOT IN ('processed', 'ignored') OR type LIKE 'invoice.%%' ORDER BY created_at DESC LIMIT 20"""
LANES: Final = "SELECT meter, leased_until, retry_at, tries FROM billing_lane WHERE tenant = %(tenant)s"
GAUGES: Final = ("seats", "storage")
SUMS: Final = ("orders_placed", "api_calls")


class Soaked:
    """A platform that runs, seen from outside: its doors, its database, its processes and its Stripe."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.chance = random.Random(port)
        self.shop: dict[str, Any] = json.loads((data / "demo.json").read_text())["tenants"][0]
        self.token: str = self.shop["api_tokens"][0]["token"]
        values = (line.split("=", 1) for line in (data / "env").read_text().splitlines() if "=" in line)
        self.settings = dict(values)
        self.address = self.settings["STRIPE_ADDRESS"]
        self.stripe: Stripe = connect(self.settings["STRIPE_API_KEY"], self.address)
        ((self.tenant, self.client, self.since, self.subscription),) = self.rows(
            "SELECT c.schema_name, c.id, s.started_at, s.stripe_id FROM clients_client c"
            " JOIN billing_subscription s ON s.tenant = c.schema_name"
            " WHERE c.subdomain = %(buyer)s",
            {"buyer": BUYER},
        )

    def rows(self, statement: str, given: dict[str, Any] | None = None) -> list[Any]:
        """What the platform's own login reads."""
        with psycopg.connect(self.settings["CONTROL_DATABASE_URL"], autocommit=True) as connection:
            return connection.execute(statement, given).fetchall()

    def figures(self, statement: str, since: datetime) -> dict[str, int]:
        """The figure of each meter since then."""
        found = self.rows(statement, {"tenant": self.tenant, "since": since})
        return {meter: last if meter in GAUGES else total for meter, total, last in found}

    def is_simulated(self) -> bool:
        """Whether the simulator runs: what a person waits for is started before it."""
        host, _, at = self.address.removeprefix("http://").partition(":")
        with socket.socket() as line:
            return line.connect_ex((host, int(at))) == 0

    def simulate(self, switch: str, **values: Any) -> None:
        """Turn one of the simulator's switches."""
        host, _, at = self.address.removeprefix("http://").partition(":")
        line = http.client.HTTPConnection(host, int(at), timeout=120)
        line.request("POST", f"/_simulator/{switch}", json.dumps(values))
        answer = line.getresponse()
        assert answer.status == 200, answer.read()
        line.close()

    def forget_faults(self) -> None:
        """Let Stripe be well again."""
        host, _, at = self.address.removeprefix("http://").partition(":")
        line = http.client.HTTPConnection(host, int(at), timeout=30)
        line.request("DELETE", "/_simulator/faults")
        line.getresponse().read()
        line.close()

    def kill(self, victim: str) -> None:
        """End a process, or all of its group, without a word."""
        if victim == "postgres":
            leader = int((self.data / "postgres/postmaster.pid").read_text().split()[0])
            os.kill(leader, signal.SIGKILL)
            return
        leaders = [pid for pid in mentioning(self.data) if os.getpgid(pid) == pid and _is(victim, pid)]
        for leader in leaders[:1]:
            members = pids.group(leader)
            if len(members) > 1 and self.chance.random() < 0.4:
                os.kill(self.chance.choice([pid for pid in members if pid != leader]), signal.SIGKILL)
            else:
                pids.kill_group(leader)


def _is(victim: str, pid: int) -> bool:
    said = pids.command_line(pid)
    marks = {
        "web": "granian" in said,
        "courier": "courier@" in said,
        "worker": " worker " in said and "courier@" not in said,
        "beat": " beat " in said,
        "valkey": "valkey-server" in said,
    }
    return marks[victim]


class Seller(threading.Thread):
    """Places orders, each under a key of its own, and asks again with the same key until it is told yes."""

    def __init__(self, soaked: Soaked, product: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.soaked, self.product, self.stop = soaked, product, stop
        self.placed: list[str] = []
        self.answers: Counter[str] = Counter()
        self.line = Stranger(soaked.port, self.soaked.shop["host"])

    def run(self) -> None:
        while not self.stop.is_set():
            order = self._until_done("/api/v1/orders/", {"lines": [{"product": self.product, "quantity": 1}]})
            self._until_done(f"/api/v1/orders/{order['id']}/place/", {})
            self.placed.append(order["id"])

    def _until_done(self, path: str, data: dict[str, Any]) -> Any:
        key = str(uuid.uuid4())
        for _ in range(2000):
            try:
                answer = self._ask(path, data, key)
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
            else:
                self.answers[str(answer.status)] += 1
                if answer.status in (200, 201):
                    return answer.json()
                assert answer.status in (409, 429, 500, 502, 503), f"{answer.status}: {answer.text[:500]}"
            threading.Event().wait(0.1)
        raise AssertionError(f"{path} was never answered")

    def _ask(self, path: str, data: dict[str, Any], key: str) -> Any:
        headers = {
            "Host": f"{self.line.host}:{self.line.port}",
            "Authorization": f"Bearer {self.soaked.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Idempotency-Key": key,
        }
        return self.line._send("POST", path, json.dumps(data).encode(), headers)


@pytest.fixture
def soaked(data: Path, port: int) -> Iterator[Soaked]:
    process = dev("--data", data, "--port", str(port))
    try:
        wait_for(process, RUNS)
        threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
        wait_until(lambda: _has_subscribed(data), "the demo did not subscribe")
        platform = Soaked(data, port)
        wait_until(platform.is_simulated, "the simulated Stripe did not start")
        yield platform
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)
    # Whatever has died meanwhile: Ctrl-C is a good end, and leaves no trace.
    assert process.returncode == 0
    assert at_work_in(data) == []


def _drain(stream: Any) -> None:
    for _ in stream:
        pass


def _has_subscribed(data: Path) -> bool:
    settings = dict(line.split("=", 1) for line in (data / "env").read_text().splitlines() if "=" in line)
    with psycopg.connect(settings["CONTROL_DATABASE_URL"], autocommit=True) as connection:
        return bool(
            connection.execute(
                "SELECT 1 FROM billing_subscription s JOIN clients_client c ON c.schema_name = s.tenant"
                " WHERE s.status = 'active' AND c.subdomain = %s",
                [BUYER],
            ).fetchone()
        )


@needs_proc
def test_what_was_acknowledged_is_stored_counted_and_charged_once_whoever_is_killed(soaked: Soaked) -> None:
    stop, product = threading.Event(), _product(soaked)
    sellers = [Seller(soaked, product, stop) for _ in range(SELLERS)]
    for seller in sellers:
        seller.start()
    deaths = _kill(soaked, sellers)
    stop.set()
    for seller in sellers:
        seller.join(120)
        assert not seller.is_alive(), "a seller never got an answer"
    soaked.forget_faults()
    soaked.simulate("webhooks", **WELL)
    _end_the_period(soaked)
    placed = [order for seller in sellers for order in seller.placed]
    answers: Counter[str] = sum((seller.answers for seller in sellers), Counter())
    _say(f"{sum(deaths.values())} deaths {dict(deaths)}, {len(placed)} orders, answers {dict(answers)}")
    _agree(soaked, placed)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _product(soaked: Soaked) -> str:
    """Something that will not run out."""
    line = Stranger(soaked.port, soaked.shop["host"])
    found = line.ask("GET", "/api/v1/products/?search=MUG-E", token=soaked.token).expect(200).json()
    product: str = found["data"][0]["id"]
    items = [{"sku": "MUG-E", "delta": 100_000, "note": "Enough for all"}]
    data = {"mode": "atomic", "items": items}
    line.ask("POST", "/api/v1/stock/bulk/", data=data, token=soaked.token).expect(200)
    return product


def _kill(soaked: Soaked, sellers: list[Seller]) -> Counter[str]:
    """Kill, go on as soon as somebody has sold something again, and kill again."""
    deaths: Counter[str] = Counter()
    soaked.simulate("webhooks", **HABITS)
    for turn in range(KILLS):
        victim = VICTIMS[turn % len(VICTIMS)] if turn < len(VICTIMS) else soaked.chance.choice(VICTIMS)
        soaked.simulate(
            "faults", kind=soaked.chance.choice(FAULTS), path="/v[12]/.*", probability=0.5, times=3
        )
        before = sum(len(seller.placed) for seller in sellers)
        soaked.kill(victim)
        deaths[victim] += 1
        wait_until(
            lambda before=before: sum(len(seller.placed) for seller in sellers) > before + 1,  # type: ignore[misc]
            f"nothing is sold any more after the death of {victim}",
        )
        if turn % 10 == 9:
            _say(f"{turn + 1} deaths, {sum(len(seller.placed) for seller in sellers)} orders")
    return deaths


def _end_the_period(soaked: Soaked) -> None:
    """Let the month end at Stripe, whose draft the platform has to fill within an hour."""
    wait_until(lambda: not soaked.rows(UNSETTLED, _given(soaked))[0][0], "events of Stripe's are left over")
    ((end,),) = soaked.rows(
        "SELECT period_end FROM billing_subscription WHERE tenant = %(tenant)s", _given(soaked)
    )
    soaked.simulate("advance", seconds=int((end - datetime.now(UTC)).total_seconds()) + 5)
    wait_until(
        lambda: _renewal(soaked, "draft") is not None,
        "nobody heard of the draft",
        limit=REST,
        found=lambda: _waiting(soaked),
    )
    wait_until(
        lambda: tuple(soaked.rows(UNSETTLED, _given(soaked))[0]) == (0, 0),
        "use is left over",
        limit=REST,
        found=lambda: _waiting(soaked),
    )
    soaked.simulate("advance", seconds=7200)
    wait_until(lambda: _renewal(soaked) is not None, "the month was never charged")


def _waiting(soaked: Soaked) -> str:
    """What events and lanes wait for."""
    rows = [*soaked.rows(EVENTS), *soaked.rows(LANES, _given(soaked))]
    return "\n".join([str(datetime.now(UTC)), *(" | ".join(map(str, row)) for row in rows)])


def _renewal(soaked: Soaked, status: str = "paid") -> Any:
    found = soaked.rows(
        "SELECT stripe_id, total, lines FROM billing_stripeinvoice WHERE tenant = %(tenant)s"
        " AND reason = 'subscription_cycle' AND status = %(status)s",
        {**_given(soaked), "status": status},
    )
    return found[0] if found else None


def _given(soaked: Soaked) -> dict[str, Any]:
    return {"tenant": soaked.tenant, "since": soaked.since}


def _agree(soaked: Soaked, placed: list[str]) -> None:
    """Orders, ledger, rollups, outbox, Stripe's meters and the invoice, to the unit and to the cent."""
    assert len(set(placed)) == len(placed)
    # Hours are whole: the first has use of before the subscription, which nobody pays.
    hour = soaked.since.replace(minute=0, second=0, microsecond=0)
    by_hours, rolled = soaked.figures(COUNTED, hour), soaked.figures(ROLLED, hour)
    ledger, sent = soaked.figures(COUNTED, soaked.since), soaked.figures(SENT, soaked.since)
    assert {meter: rolled[meter] for meter in SUMS} == {meter: by_hours[meter] for meter in SUMS}
    assert {meter: sent[meter] for meter in SUMS} == {meter: ledger[meter] for meter in SUMS}
    assert ledger["orders_placed"] == len(placed)
    stripe_id, total, lines = _renewal(soaked)
    charged: Counter[str] = Counter()
    for line in lines:
        charged[line["of"]] += int(Decimal(line["quantity"] or 0))
    assert {meter: charged[meter] for meter in SUMS} == {meter: ledger[meter] for meter in SUMS}
    ((plan, version),) = soaked.rows(
        "SELECT plan, plan_version FROM billing_subscription WHERE stripe_id = %(id)s",
        {"id": soaked.subscription},
    )
    assert total == rate(plan_version(plan, version).terms, sent).total, stripe_id
