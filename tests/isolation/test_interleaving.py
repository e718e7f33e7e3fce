"""Threads, asynchronous consumers, tasks and requests of twenty tenants at the same time: nobody reads a wrong row.

ISOLATION_QUERIES says how many statements are sent: some thousands by default, 100,000 at night.
"""

import asyncio
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, connections, transaction
from django.test import Client

from config.celery import app
from shared_apps.clients.services import as_tenant, sign_up
from tenants import context
from tenants.context import Tenant, unit_of_work
from tenants.tasks import TenantTask
from tenants.users.models import User
from tests.cast import PASSWORD
from tests.isolation.walls import run_task

TENANTS: Final = 20
THREADS: Final = 6
QUERIES: Final = int(os.environ.get("ISOLATION_QUERIES", "4000"))


@pytest.fixture
def tenants() -> list[Tenant]:
    """Twenty tenants, each with one person, who is named after it."""
    made = []
    for number in range(TENANTS):
        name = f"shop-{number:02}"
        client = sign_up(company=name, subdomain=name, email=f"owner@{name}.example", password=PASSWORD)
        made.append(as_tenant(client))
    return made


def emails() -> list[str]:
    return list(User.objects.values_list("email", flat=True))


def simple_read(tenant: Tenant) -> list[str]:
    with unit_of_work(tenant):
        return emails()


def write_and_read(tenant: Tenant) -> list[str]:
    with unit_of_work(tenant):
        User.objects.update(name=tenant.schema)
        found = emails() if User.objects.filter(name=tenant.schema).count() == 1 else []
        with transaction.atomic():
            User.objects.update(name="undone")
            transaction.set_rollback(True)
        return found + emails()


def cursors(tenant: Tenant) -> list[str]:
    with unit_of_work(tenant):
        found = [user.email for user in User.objects.iterator(chunk_size=1)]
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY (SELECT email FROM users_user) TO STDOUT") as copy,
        ):
            return found + [str(row[0]) for row in copy.rows()]


def failed(tenant: Tenant) -> list[str]:
    """A unit that fails half-way, and one after it on the same connection."""
    try:
        with unit_of_work(tenant):
            emails()
            raise ZeroDivisionError
    except ZeroDivisionError:
        return simple_read(tenant)


class ReadEmails(TenantTask):
    name = "tests.isolation.read_emails"

    def run(self) -> list[str]:
        with transaction.atomic():
            return emails()


READ_EMAILS = app.register_task(ReadEmails())


def by_task(tenant: Tenant) -> list[str]:
    return list(run_task(READ_EMAILS, tenant=tenant.schema))


def by_request(tenant: Tenant) -> list[str]:
    page = Client(headers={"host": tenant.host}).get("/sign-in/").content.decode()
    return [f"owner@{tenant.name}.example" if tenant.name in page else page]


# What is done, and how many statements it sends.
WAYS: Final[dict[Callable[[Tenant], list[str]], int]] = {
    simple_read: 1,
    write_and_read: 6,
    cursors: 2,
    failed: 2,
    by_task: 1,
    by_request: 1,
}


def is_right(tenant: Tenant, found: list[str]) -> bool:
    return bool(found) and all(email.endswith(f"@{tenant.name.lower()}.example") for email in found)


def one_thread(tenants: list[Tenant], seed: int, until: int) -> tuple[int, list[Any]]:
    """Do one thing after another for one tenant after another."""
    dice, sent, wrong = random.Random(seed), 0, []
    try:
        while sent < until:
            way, tenant = dice.choice(list(WAYS)), dice.choice(tenants)
            found = way(tenant)
            sent += WAYS[way]
            wrong += [] if is_right(tenant, found) else [(way.__name__, tenant.name, found)]
    finally:
        connections.close_all()
    return sent, wrong


async def consumers(tenants: list[Tenant], until: int) -> list[Any]:
    """Asynchronous code that enters its tenant inside each call to the database."""

    async def consumer(seed: int) -> list[Any]:
        dice, wrong = random.Random(seed), []
        for _ in range(until // 8):
            tenant = dice.choice(tenants)
            found = await sync_to_async(simple_read, thread_sensitive=dice.random() < 0.5)(tenant)
            wrong += [] if is_right(tenant, found) else [("async", tenant.name, found)]
        return wrong

    return [wrong for each in await asyncio.gather(*map(consumer, range(8))) for wrong in each]


def everything_at_once(tenants: list[Tenant], queries: int) -> tuple[int, list[Any]]:
    """Statements sent, and what was wrong."""
    share = queries // (THREADS + 1)
    with ThreadPoolExecutor(THREADS + 1) as pool:
        asynchronous = pool.submit(async_to_sync(consumers), tenants, share)
        threads = [pool.submit(one_thread, tenants, seed, share) for seed in range(THREADS)]
        results = [thread.result() for thread in threads]
        wrong = [*asynchronous.result(), *(each for _, found in results for each in found)]
    return sum(sent for sent, _ in results) + share // 8 * 8, wrong


def test_twenty_tenants_at_once_read_no_wrong_row(tenants: list[Tenant]) -> None:
    sent, wrong = everything_at_once(tenants, QUERIES)
    assert wrong == []
    assert sent >= QUERIES * 0.99


class OneForAll:
    """A global variable with the manners of a context variable."""

    def __init__(self) -> None:
        self.value: Any = None

    def get(self) -> Any:
        return self.value

    def set(self, value: Any) -> Any:
        before, self.value = (self.value,), value
        return before

    def reset(self, before: Any) -> None:
        (self.value,) = before


def test_a_global_variable_in_place_of_the_context_is_noticed(
    acme: Tenant, globex: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = OneForAll()
    for module in ("context", "backend.base", "routers", "tasks"):
        monkeypatch.setattr(f"tenants.{module}.current", shared)
    barrier = threading.Barrier(2)

    def read(tenant: Tenant) -> list[str]:
        try:
            with unit_of_work(tenant):
                barrier.wait(60)
                found = emails()
                barrier.wait(60)
                return found
        except (context.NoTenant, threading.BrokenBarrierError) as refusal:
            barrier.abort()
            return [str(refusal)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(read, (acme, globex)))
    assert not (is_right(acme, answers[0]) and is_right(globex, answers[1]))
