"""Real workers on the real queue: killed while a receiver thinks, and with the queue lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from tenant_apps.webhooks import tasks
from tenant_apps.webhooks.models import Endpoint
from tenants.audit.services import record
from tenants.context import Tenant, public_context, unit_of_work
from tests.domains.nameserver import NameServer
from tests.webhooks.conftest import CLERK, endpoint_at, log_of
from tests.webhooks.receivers import Authority, Receiver

ROOT = Path(__file__).parents[2]


@contextmanager
def courier(authority: Authority, dns: NameServer) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that sends webhooks, on this test's queue and database."""
    command = [sys.executable, "-m", "infra.local.processes", "courier"]
    more = {
        "SSL_CERT_FILE": str(authority.trusted),
        "DNS_RESOLVER": dns.setting,
        "WEBHOOK_TEST_ADDRESSES": "127.0.0.1",
        "WEBHOOK_CONCURRENCY": "2",
    }
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **more}, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the worker did not get there in time"
        time.sleep(0.01)


def test_a_worker_killed_in_the_middle_and_a_lost_queue_lose_nothing(
    receiver: Receiver, dns: NameServer, authority: Authority, acme: Tenant
) -> None:
    endpoint, _ = endpoint_at(receiver.url, acme)
    receiver.may_answer.clear()
    for verb in ("order.placed", "order.paid"):
        with unit_of_work(acme):
            record(actor=CLERK, verb=verb)
    with courier(authority, dns) as first:
        wait_for(lambda: len(receiver.received) == 1)
        first.send_signal(signal.SIGKILL)
        first.wait()
    receiver.may_answer.set()
    assert [one.state for one in log_of(endpoint, acme)] == ["waiting", "waiting"]
    # The broker dies as well, and with it the queue and every hint; the lease runs out.
    redis.Redis.from_url(settings.CACHES["default"]["LOCATION"]).flushdb()
    with unit_of_work(acme):
        Endpoint.objects.filter(pk=endpoint.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    with public_context():
        tasks.sweep_everything.apply()
    with courier(authority, dns):
        wait_for(lambda: [one.state for one in log_of(endpoint, acme)] == ["delivered", "delivered"])
    placed, paid = (one.event.message_id for one in log_of(endpoint, acme))
    assert receiver.ids == [placed, placed, paid]
    assert receiver.received[0].body == receiver.received[1].body


@pytest.mark.usefixtures("dns", "trusting")
def test_the_schedule_names_tasks_that_exist_and_deliveries_have_a_queue_of_their_own() -> None:
    from config.celery import SCHEDULE, app

    ours = {entry["task"] for name, entry in SCHEDULE.items() if "webhooks" in name}
    assert len(ours) == 3
    assert ours <= set(app.tasks)
    assert app.conf.task_routes.keys() <= set(app.tasks)
    assert app.amqp.router.route({}, tasks.deliver.name)["queue"].name == "webhooks"
