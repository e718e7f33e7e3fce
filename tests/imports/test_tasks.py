"""Imports in real workers: through the queue, killed in the middle, taken up by the sweeper."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.clients.statuses import suspend_client
from tenant_apps.imports import tasks
from tenant_apps.imports.models import Import
from tenant_apps.imports.services import requeue_stale_imports
from tenants.audit.actors import Actor
from tenants.context import Tenant, current_tenant, public_context
from tests.imports.complete import assert_complete
from tests.imports.conftest import fresh, upload
from tests.imports.files import a_csv, a_row, generated
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def worker(media: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process on this test's queue and database."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config.celery",
        "worker",
        "--pool=solo",
        "-l",
        "warning",
    ]
    process = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle"],
        cwd=ROOT,
        env={**os.environ, "MEDIA_ROOT": str(media)},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("in_acme")
def test_workers_killed_in_the_middle_are_replaced_and_nothing_differs(media: Path):
    """One is killed while it reads, the next among the orders."""
    text, truth = generated(invoices=3_000)
    job = upload(text)
    for phase in ("reading", "orders"):
        with worker(media) as doomed:
            wait_until(partial(is_in_the_middle, job, phase))
            doomed.send_signal(signal.SIGKILL)
            doomed.wait()
        assert fresh(job).status == "running"
        # The server may need a moment to notice that the dead one's transaction is nobody's; the sweep comes again.
        wait_until(lambda: requeue_stale_imports(now=timezone.now() + timedelta(seconds=61)) == 1)
    with worker(media):
        wait_until(lambda: not fresh(job).is_active)
    assert_complete(fresh(job), truth)


def is_in_the_middle(job: Import, phase: str) -> bool:
    """Whether the import is in the phase and has done a part of it."""
    now = fresh(job)
    return now.phase == phase and (now.staged_line if phase == "reading" else now.applied_line) > 0


@pytest.mark.usefixtures("in_acme")
def test_the_task_runs_the_import_in_its_tenant(acme: Tenant):
    job = upload(a_csv(a_row()))
    tasks.run_import_task.apply(args=(str(job.pk),), headers={"tenant": acme.schema})
    assert fresh(job).status == "done"


def test_the_sweep_visits_each_active_tenant(monkeypatch: pytest.MonkeyPatch, acme: Tenant, globex: Tenant):
    visited: list[str] = []
    monkeypatch.setattr(tasks.sweep_tenant_imports, "delay", lambda: visited.append(current_tenant().schema))
    with public_context():
        client = Client.objects.get(schema_name=globex.schema)
        suspend_client(client_id=client.pk, actor=Actor.system("test"), reason="unpaid")
        tasks.sweep_imports.apply()
    assert visited == [acme.schema]


@pytest.mark.usefixtures("in_acme")
def test_the_sweep_of_a_tenant_takes_up_what_is_stale_only(acme: Tenant, monkeypatch: pytest.MonkeyPatch):
    sent: list[str] = []
    monkeypatch.setattr(tasks.run_import_task, "delay", sent.append)
    stale, alive = upload(a_csv(a_row())), upload(a_csv(a_row()))
    make_stale(stale)
    sent.clear()
    tasks.sweep_tenant_imports.apply(headers={"tenant": acme.schema})
    assert sent == [str(stale.pk)]
    assert fresh(alive).lease is None


def make_stale(job: Import) -> None:
    from django.db import transaction

    with transaction.atomic():
        Import.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=2))
