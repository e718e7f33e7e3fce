"""Background work runs in the tenant that its message names, or not at all; by hand, and in a real worker."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Reject
from django.conf import settings
from django.db import transaction

from config.celery import app
from shared_apps.clients.statuses import begin_maintenance, end_maintenance, suspend_client
from tenants.audit.actors import Actor
from tenants.context import NoTenant, Tenant, current, public_context, tenant_context, unit_of_work
from tenants.tasks import PublicTask, RealmlessTask, TenantTask, UndeclaredRealm
from tenants.users.models import User
from tests.isolation.walls import run_task
from tests.waiting import wait_until

SEEN: list[Any] = []


@app.task(base=TenantTask, name="tests.emails")
def emails(expected: str = "") -> list[str]:
    with transaction.atomic():
        found = list(User.objects.filter(role="owner").values_list("email", flat=True))
    SEEN.append((expected, found))
    return found


@app.task(base=TenantTask, name="tests.without_transaction")
def without_transaction() -> int:
    return User.objects.count()


@app.task(
    base=TenantTask, name="tests.fails_once", autoretry_for=(OSError,), default_retry_delay=0, max_retries=3
)
def fails_once() -> None:
    realm = current.get()
    SEEN.append(realm)
    if SEEN.count(realm) == 1:
        raise OSError("the mail server is away")


@app.task(base=TenantTask, name="tests.sends_on")
def sends_on() -> None:
    emails.delay("sent on")


@app.task(base=PublicTask, name="tests.operators")
def operators() -> list[str]:
    SEEN.append(current.get())
    return list(User.objects.values_list("role", flat=True))


@app.task(name="tests.undeclared")
def undeclared() -> None:
    SEEN.append("ran")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    SEEN.clear()
    yield
    assert current.get() is None


# What a task insists on


def test_a_task_runs_in_the_tenant_of_its_message(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        assert run_task(emails, tenant=tenant.schema) == [f"owner@{tenant.name.lower()}.example"]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "came without a tenant header"),
        ({"tenant": ""}, "came without a tenant header"),
        ({"tenant": "t_nobody1234"}, "belongs to no tenant"),
        ({"tenant": "public"}, "belongs to no tenant"),
        ({"tenant": "t_template"}, "belongs to no tenant"),
        ({"tenant": "acme"}, "belongs to no tenant"),
    ],
)
def test_a_message_that_names_no_tenant_is_refused(headers: dict[str, str], said: str) -> None:
    with pytest.raises(NoTenant, match=said):
        run_task(emails, **headers)
    assert SEEN == []


def test_a_suspended_tenant_s_message_is_dropped(acme: Tenant) -> None:
    with public_context():
        suspend_client(client_id=acme.id, actor=Actor.system("a test"), reason="a test")
    with pytest.raises(Reject, match="its tenant is suspended") as dropped:
        run_task(emails, tenant=acme.schema)
    assert dropped.value.args[1] is False, "it must not be put back into the queue"
    assert SEEN == []


def test_a_task_does_not_run_inside_another_realm(acme: Tenant, globex: Tenant) -> None:
    with tenant_context(globex), pytest.raises(NoTenant, match="but the thread is in"):
        run_task(emails, tenant=acme.schema)
    with public_context(), pytest.raises(NoTenant, match="but the thread is in PUBLIC"):
        run_task(emails, tenant=acme.schema)
    with tenant_context(acme):
        assert run_task(emails, tenant=acme.schema) == ["owner@acme.example"]


def test_a_task_opens_its_transactions_itself(acme: Tenant) -> None:
    with pytest.raises(NoTenant, match="no transaction is open"):
        run_task(without_transaction, tenant=acme.schema)


def test_a_task_that_declares_no_realm_does_not_run(acme: Tenant) -> None:
    assert isinstance(undeclared, RealmlessTask)
    with pytest.raises(UndeclaredRealm, match="base=TenantTask"):
        undeclared()
    with pytest.raises(UndeclaredRealm):
        run_task(undeclared, tenant=acme.schema)
    assert SEEN == []


def test_every_task_of_the_product_declares_its_realm() -> None:
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if not name.startswith(("celery.", "tests."))]
    assert len(ours) >= 5
    assert [task.name for task in ours if not isinstance(task, TenantTask | PublicTask)] == []


def test_a_public_task_reads_public_tables_even_when_a_tenant_was_named(acme: Tenant) -> None:
    assert run_task(operators, tenant=acme.schema) == ["operator"]
    assert repr(SEEN) == "[PUBLIC]"


def test_a_task_is_not_sent_from_nowhere() -> None:
    for send in (emails.delay, emails.apply_async):
        with pytest.raises(NoTenant):
            send()
    with public_context(), pytest.raises(NoTenant, match="in the public realm"):
        emails.delay()


def test_the_sender_cannot_name_another_tenant(
    acme: Tenant, globex: Tenant, worker: Callable[..., None]
) -> None:
    with tenant_context(acme):
        emails.apply_async(["forged"], headers={"tenant": globex.schema})
    worker(until=1)
    assert SEEN == [("forged", ["owner@acme.example"])]


# In a worker


@pytest.fixture
def worker() -> Iterator[Callable[..., None]]:
    """Start a worker on the real queue and wait until so many tasks were seen."""

    def work(until: int) -> None:
        with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
            wait_until(lambda: len(SEEN) >= until, "too few tasks were seen")
            time.sleep(0.1)  # for what should not come

    yield work
    app.control.purge()


def test_a_worker_keeps_the_tenants_of_many_messages_apart(
    acme: Tenant, globex: Tenant, worker: Callable[..., None]
) -> None:
    for number in range(40):
        tenant = (acme, globex)[number % 2]
        with tenant_context(tenant):
            emails.delay(f"owner@{tenant.name.lower()}.example")
    worker(until=40)
    assert len(SEEN) == 40
    assert [pair for pair in SEEN if pair[1] != [pair[0]]] == []


def test_a_worker_goes_on_after_messages_that_it_refuses(
    acme: Tenant, globex: Tenant, worker: Callable[..., None]
) -> None:
    with public_context():
        suspend_client(client_id=globex.id, actor=Actor.system("a test"), reason="a test")
    app.send_task("tests.emails", ["no header"])
    app.send_task("tests.emails", ["nobody"], headers={"tenant": "t_nobody1234"})
    app.send_task("tests.emails", ["public"], headers={"tenant": "public"})
    app.send_task("tests.undeclared")
    with tenant_context(globex):
        emails.delay("suspended")
    with tenant_context(acme):
        emails.delay("good")
    worker(until=1)
    assert SEEN == [("good", ["owner@acme.example"])]
    assert _left_in_queue() == 0


def _left_in_queue() -> int:
    queue = redis.Redis.from_url(os.environ["REDIS_URL"])
    return int(queue.llen("celery")) + int(queue.hlen("unacked"))


def test_a_task_that_is_tried_again_stays_in_its_tenant(
    acme: Tenant, globex: Tenant, worker: Callable[..., None]
) -> None:
    for tenant in (acme, globex):
        with tenant_context(tenant):
            fails_once.delay()
    worker(until=4)
    assert sorted(tenant.name for tenant in SEEN) == ["Acme", "Acme", "Globex", "Globex"]


def test_a_task_sends_on_in_its_own_tenant(acme: Tenant, worker: Callable[..., None]) -> None:
    with tenant_context(acme):
        sends_on.delay()
    worker(until=1)
    assert SEEN == [("sent on", ["owner@acme.example"])]


def test_a_message_of_an_undone_transaction_is_never_sent(acme: Tenant, worker: Callable[..., None]) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work(acme):
        transaction.on_commit(lambda: emails.delay("undone"))
        raise ZeroDivisionError
    with unit_of_work(acme):
        transaction.on_commit(lambda: emails.delay("committed"))
    worker(until=1)
    assert SEEN == [("committed", ["owner@acme.example"])]


# While the tenant is looked after


def _put(tenant: Tenant, begin: bool) -> None:
    verb = begin_maintenance if begin else end_maintenance
    verb(client_id=tenant.id, actor=Actor.system("a test"))


def _waits(count: int) -> None:
    """Until so many messages lie in a worker's hands for a later time."""
    queue = redis.Redis.from_url(os.environ["REDIS_URL"])
    held = lambda: sum(b'"held": ' in message for message in queue.hvals("unacked"))  # noqa: E731
    wait_until(lambda: held() >= count, "no message was put back")


def test_a_task_that_was_sent_during_maintenance_is_done_afterwards(acme: Tenant, globex: Tenant) -> None:
    _put(acme, begin=True)
    for tenant, word in ((acme, "held"), (globex, "at once")):
        with tenant_context(tenant):
            emails.delay(word)
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        _waits(1)
        assert SEEN == [("at once", ["owner@globex.example"])]
        _put(acme, begin=False)
        wait_until(lambda: len(SEEN) >= 2, "the held task did not come again")
        # The message is acknowledged a moment after the task has run.
        wait_until(lambda: not _left_in_queue(), "a message stayed behind")
    assert SEEN[1:] == [("held", ["owner@acme.example"])]


def test_a_worker_that_is_killed_while_a_task_is_held_loses_nothing(
    acme: Tenant, worker: Callable[..., None]
) -> None:
    _put(acme, begin=True)
    with tenant_context(acme):
        emails.delay("held")
    process = subprocess.Popen(
        [sys.executable, "-c", DOOMED], cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )  # fmt: skip
    try:
        _waits(1)
    finally:
        process.kill()
        process.wait()
    assert _left_in_queue() == 1
    _put(acme, begin=False)
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        channel.visibility_timeout = 0  # as if its hour were over
        channel.qos.restore_visible()
    worker(until=1)
    assert SEEN == [("held", ["owner@acme.example"])]


# A worker that knows the task of this module by its name and is never let run it.
DOOMED = """
import django; django.setup()
from config.celery import app
from tenants.tasks import TenantTask
@app.task(base=TenantTask, name="tests.emails")
def emails(expected=""): ...
app.worker_main(["worker", "--pool=solo", "--loglevel=CRITICAL"])
"""
