"""Several people at the same moment, in real threads with real commits."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

from tenants.context import Tenant, unit_of_work
from tenants.errors import DomainError

WORKERS = 8

Job = Callable[[], Any]


class Aborted(Exception):
    """Something after the verb failed, and the request is rolled back."""


def at_once(tenant: Tenant, jobs: Sequence[Job], *, together: bool = False) -> list[Any]:
    """Run each job in a transaction of its own on several threads; a refusal is a result like any other.

    With `together` all jobs wait for each other before they start, so that they truly collide.
    """
    start = Barrier(len(jobs)) if together else None
    waiting = iter(list(enumerate(jobs)))  # shared: each thread takes the next
    results: dict[int, Any] = {}

    def work() -> None:
        try:
            for turn, job in waiting:
                results[turn] = outcome(tenant, job, start)
        finally:
            connections.close_all()

    threads = len(jobs) if together else WORKERS
    with ThreadPoolExecutor(threads) as pool:
        for worker in [pool.submit(work) for _ in range(threads)]:
            worker.result()
    return [results[turn] for turn in range(len(jobs))]


def outcome(tenant: Tenant, job: Job, start: Barrier | None) -> Any:
    """What a job returned, or how it was refused."""
    try:
        with unit_of_work(tenant):
            if start:
                start.wait(60)
            return job()
    except (DomainError, Aborted) as refusal:
        return refusal


def kinds(results: Sequence[Any]) -> Counter[str]:
    """How often each kind of result came."""
    return Counter(type(result).__name__ for result in results)
