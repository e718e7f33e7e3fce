"""Real couriers at a real broker: both are killed while a receiver thinks."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from kombu import Connection

from infra.local.services import temporary_folder
from infra.local.valkey import Valkey
from tenant_apps.webhooks import due, tasks
from tenant_apps.webhooks.models import Endpoint
from tenants.audit.services import record
from tenants.context import Tenant, public_context, unit_of_work
from tests.domains.nameserver import NameServer
from tests.waiting import wait_until
from tests.webhooks.conftest import CLERK, endpoint_at, log_of
from tests.webhooks.receivers import Authority, Receiver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A broker of this test's own that keeps nothing on disk: killed, it has lost every message and every hint."""
    with temporary_folder() as folder:
        server = Valkey(folder, durable=False)
        server.start()
        monkeypatch.setitem(settings.CACHES["default"], "LOCATION", server.url)
        monkeypatch.setattr(tasks.deliver, "delay", lambda endpoint: send_by(server, endpoint))
        due._valkey.cache_clear()
        yield server
        server.stop()
    due._valkey.cache_clear()


def send_by(server: Valkey, endpoint: str) -> None:
    with Connection(server.url) as connection:
        tasks.deliver.apply_async((endpoint,), connection=connection)


def kill_and_restart(server: Valkey, meanwhile: Callable[[], None]) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    meanwhile()
    server.start()


@contextmanager
def courier(broker: Valkey, authority: Authority, dns: NameServer) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that sends webhooks, on this test's broker and database."""
    command = [sys.executable, "-m", "infra.local.processes", "courier"]
    more = {
        "REDIS_URL": broker.url,
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


def test_kills_of_the_courier_and_of_the_broker_lose_nothing(
    receiver: Receiver, dns: NameServer, authority: Authority, acme: Tenant, broker: Valkey
) -> None:
    endpoint, _ = endpoint_at(receiver.url, acme)

    def happen(*verbs: str) -> None:
        for verb in verbs:
            with unit_of_work(acme):
                record(actor=CLERK, verb=verb)

    def states() -> list[str]:
        return [one.state for one in log_of(endpoint, acme)]

    def sweep() -> None:
        with public_context():
            tasks.sweep_everything.apply()

    def all_are_delivered() -> bool:
        sweep()
        return states() == ["delivered"] * 4

    receiver.may_answer.clear()
    happen("order.placed", "order.paid")
    with courier(broker, authority, dns) as first:
        wait_until(lambda: len(receiver.received) == 1)
        first.send_signal(signal.SIGKILL)
        first.wait()
    kill_and_restart(broker, meanwhile=lambda: happen("order.fulfilled"))
    assert states() == ["waiting"] * 3
    with unit_of_work(acme):
        # The dead courier's lease runs out.
        Endpoint.objects.filter(pk=endpoint.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    with courier(broker, authority, dns):
        sweep()
        wait_until(lambda: len(receiver.received) == 2)
        kill_and_restart(broker, meanwhile=lambda: happen("order.closed"))
        receiver.may_answer.set()
        wait_until(all_are_delivered)
    placed, *others = (one.event.message_id for one in log_of(endpoint, acme))
    # At least once and in order; what the dead courier had sent came again.
    assert list(dict.fromkeys(receiver.ids)) == [placed, *others]
    assert receiver.ids.count(placed) > 1
    assert receiver.received[0].body == receiver.received[1].body


@pytest.mark.usefixtures("dns", "trusting")
def test_the_schedule_names_tasks_that_exist_and_deliveries_have_a_queue_of_their_own() -> None:
    from config.celery import SCHEDULE, app

    app.loader.import_default_modules()
    ours = {entry["task"] for name, entry in SCHEDULE.items() if "webhooks" in name}
    assert len(ours) == 3
    assert ours <= set(app.tasks)
    assert app.conf.task_routes.keys() <= set(app.tasks)
    # The sweeps as well: a worker that is busy with long jobs would let retries wait.
    for task in (tasks.deliver, tasks.sweep_due, tasks.sweep_everything):
        assert app.amqp.router.route({}, task.name)["queue"].name == "webhooks"
