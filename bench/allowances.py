"""What it takes to ask whether a plan allows one more, and whether 32 clients at once get exactly what there is.

The question is the one that every order asks: the plan, overrides and a unit of the month's budget. It runs within the
process that `bench.usage` measures in.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

CHECKS, UNITS, PROCESSES, THREADS = 20_000, 1_000, 4, 8
# More than anybody asks for, so that leases are as large as they get.
PLENTY: Final = 10**9


def check_us() -> float:
    """Microseconds of one question, the median of many; each lease that has to be asked for is among them."""
    from billing.entitlements import Limit, reserve
    from tenants.context import unit_of_work

    with _shop("checks", PLENTY) as tenant, unit_of_work(tenant):

        def took() -> float:
            start = time.perf_counter_ns()
            reserve(Limit.ORDERS_PER_MONTH)
            return (time.perf_counter_ns() - start) / 1_000

        return median(took() for _ in range(CHECKS))


def granted_at_once() -> int:
    """How many units 32 clients in four processes get of a thousand, each until it is refused."""
    from django.db import connections

    with _shop("clients", UNITS) as tenant:
        connections.close_all()
        fork: Any = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(PROCESSES, mp_context=fork) as pool:
            told = [pool.submit(_clients, tenant) for _ in range(PROCESSES)]
            return sum(each.result() for each in told)


@contextmanager
def _shop(name: str, units: int) -> Iterator[Any]:
    """A tenant that may place so many orders in a month."""
    from billing.limits.overrides import grant_override
    from shared_apps.clients.services import as_tenant, sign_up
    from tenants.audit.actors import Actor

    client = sign_up(
        company=name, subdomain=name, email=f"owner@{name}.example", password="correct horse battery"
    )
    grant_override(
        tenant=client.schema_name,
        key="orders_per_month",
        value=units,
        actor=Actor.system("bench"),
        reason="To be measured",
    )
    yield as_tenant(client)


def _clients(tenant: Any) -> int:
    """What the clients of one process get together."""
    got: list[int] = []
    _run([lambda: got.append(_spend_all(tenant))] * THREADS)
    return sum(got)


def _run(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _spend_all(tenant: Any) -> int:
    from django.db import connections

    times = 0
    while _spend(tenant):
        times += 1
    connections.close_all()
    return times


def _spend(tenant: Any) -> bool:
    """One use of a unit, in a transaction of its own; whether there was one."""
    from django.utils import timezone

    from billing.entitlements import Limit, LimitReached, reserve
    from billing.usage.ledger import record_usage
    from tenants.context import unit_of_work
    from tenants.models import uuid7

    at = timezone.now()
    try:
        with unit_of_work(tenant):
            record_usage(
                meter="orders_placed",
                quantity=1,
                idempotency_key=str(uuid7()),
                at=at,
                against=reserve(Limit.ORDERS_PER_MONTH, at=at),
            )
    except LimitReached:
        return False
    return True
