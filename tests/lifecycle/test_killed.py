"""Workers are killed at every step of every operation; the next one finishes, and nothing half done is ever seen."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.fleet.models import Schema
from shared_apps.lifecycle import copying, deleting, exporting, loading, making, restoring, running
from shared_apps.lifecycle.archive import ArchiveWriter
from shared_apps.lifecycle.files import Staging
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from shared_apps.lifecycle.services import (
    copy_client,
    export_client,
    replace_client,
    request_deletion,
    restore_client,
    run_operation,
    sweep_operations,
)
from tests.lifecycle.conftest import (
    OPERATING,
    archive_of,
    failed,
    files_of,
    killed_at,
    leftovers,
    sums,
)
from tests.lifecycle.test_restoring import spoil

Point = tuple[Any, str, bool]
BEFORE, AFTER = False, True


def taken_up(operation: Operation) -> Operation:
    """What the sweep does when the dead worker has been silent for long enough: within a minute."""
    operation.refresh_from_db()
    assert operation.status == "running"
    assert sweep_operations() == [], "its worker may be alive"
    assert sweep_operations(now=timezone.now() + timedelta(seconds=45)) == [operation.pk]
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    operation = run_operation(operation.pk)
    assert operation.status == "done", operation.error
    return operation


@pytest.mark.parametrize(
    "point",
    [
        (exporting, "_add_files", BEFORE),
        (ArchiveWriter, "finish", AFTER),
        (running.Hold, "finish", BEFORE),
    ],
    ids=lambda point: point[1],
)
def test_an_export_never_leaves_half_a_file_under_its_name(shop: Client, folders: Path, point: Point) -> None:
    operation = export_client(client_id=shop.pk, actor=OPERATING, send=False)
    owner, name, after = point
    killed_at(operation, owner, name, after=after)
    finished = list((folders / "archives").glob("*.zip"))
    assert len(finished) == (1 if owner is running.Hold else 0)
    operation = taken_up(operation)
    assert operation.archive is not None
    assert list((folders / "archives").iterdir()) == [operation.archive]


NEW: list[Point] = [
    (making, "_insert", BEFORE),
    (restoring, "made_client", AFTER),
    (loading, "settle", BEFORE),
    (restoring, "_take_over", AFTER),
    (restoring, "open_client", BEFORE),
    (Staging, "switch", AFTER),
    (running.Hold, "finish", BEFORE),
]


@pytest.mark.parametrize("point", NEW, ids=lambda point: point[1])
def test_a_restore_is_finished_by_the_next_worker(shop: Client, folders: Path, point: Point) -> None:
    archive = archive_of(shop)
    operation = restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False)
    killed_at(operation, point[0], point[1], after=point[2])
    half = Client.objects.filter(subdomain="restored").first()
    assert half is None or half.status == ("active" if point[1] == "finish" else "provisioning")
    taken_up(operation)
    made = Client.objects.get(subdomain="restored")
    assert made.status == "active"
    assert (sums(made), files_of(made)) == (sums(shop), files_of(shop))
    assert Schema.objects.filter(state="owned").count() == Client.objects.count()
    assert leftovers(folders) == []


def test_a_restore_that_was_killed_and_then_fails_leaves_nothing(shop: Client, folders: Path) -> None:
    archive = archive_of(shop)
    operation = restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False)
    killed_at(operation, restoring, "_take_over", after=True)
    archive.unlink()
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    assert "cannot be read" in failed(operation)
    assert not Client.objects.filter(subdomain="restored").exists()
    assert Schema.objects.filter(state="owned").count() == Client.objects.count()
    assert leftovers(folders) == []


@pytest.mark.parametrize(
    "point",
    [
        (restoring, "_close_doors", AFTER),
        (loading, "settle", BEFORE),
        (Staging, "switch", BEFORE),
        (Staging, "switch", AFTER),
    ],
    ids=lambda point: f"{point[1]}-{point[2]}",
)
def test_a_tenant_is_replaced_wholly_or_not_yet(shop: Client, folders: Path, point: Point) -> None:
    archive, before, files = archive_of(shop), sums(shop), files_of(shop)
    spoil(shop)
    spoilt = sums(shop)
    operation = replace_client(
        archive=archive, client_id=shop.pk, typed_name="initech", actor=OPERATING, send=False
    )
    killed_at(operation, point[0], point[1], after=point[2])
    shop.refresh_from_db()
    assert shop.status == "maintenance"
    assert sums(shop) == (before if point[0] is Staging else spoilt)
    taken_up(operation)
    shop.refresh_from_db()
    assert (shop.status, sums(shop), files_of(shop)) == ("active", before, files)
    assert leftovers(folders) == []


@pytest.mark.parametrize(
    "point",
    [
        (copying, "made_client", AFTER),
        (copying, "settle", AFTER),
        (copying, "_copy", AFTER),
        (copying, "open_client", AFTER),
    ],
    ids=lambda point: point[1],
)
def test_a_copy_is_finished_by_the_next_worker(shop: Client, folders: Path, point: Point) -> None:
    operation = copy_client(client_id=shop.pk, owner_email="m@initech.example", actor=OPERATING, send=False)
    killed_at(operation, point[0], point[1], after=point[2])
    taken_up(operation)
    made = Client.objects.get(sandbox_of=shop)
    assert made.status == "active"
    assert sums(made)["orders_order"] == sums(shop)["orders_order"]
    assert sums(made)["users_user"][0] == sums(shop)["users_user"][0] + 1
    assert files_of(made) == files_of(shop)
    assert leftovers(folders) == []


@pytest.mark.parametrize(
    "point",
    [
        (deleting, "forget_client", AFTER),
        (deleting, "remove_folder", BEFORE),
        (deleting, "forget_cache", BEFORE),
        (running.Hold, "finish", BEFORE),
    ],
    ids=lambda point: point[1],
)
def test_a_deletion_goes_on(shop: Client, point: Point) -> None:
    before = sums(shop)
    request_deletion(client_id=shop.pk, typed_name="initech", actor=OPERATING, immediately=True, send=False)
    operation = Operation.objects.get(kind="delete")
    killed_at(operation, point[0], point[1], after=point[2])
    there = Client.objects.filter(pk=shop.pk).exists()
    assert there is (point[1] == "forget_client")
    assert not there or sums(shop) == before
    taken_up(operation)
    assert not Client.objects.filter(pk=shop.pk).exists()
    assert files_of(shop) == {}
    tables = DeletionCertificate.objects.get().content["tables"]
    assert {name: (one["rows"], one["sha256"]) for name, one in tables.items()} == before


def test_an_operation_over_which_every_worker_dies_is_given_up(shop: Client) -> None:
    operation = export_client(client_id=shop.pk, actor=OPERATING, send=False)
    Operation.objects.filter(pk=operation.pk).update(attempts=running.MOST_ATTEMPTS)
    assert "10 attempts have failed" in failed(operation)


def test_two_workers_never_have_one_operation(shop: Client) -> None:
    operation = export_client(client_id=shop.pk, actor=OPERATING, send=False)
    first = running.claim(operation.pk)
    assert first is not None
    assert running.claim(operation.pk) is None
    Operation.objects.filter(pk=operation.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    second = running.claim(operation.pk)
    assert second is not None
    first.beat()
    with pytest.raises(running.Interrupted):
        first.advance(1)
    second.beat()
    second.advance(1)


def test_a_worker_that_lost_its_operation_writes_nothing(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(shop)
    operation = restore_client(archive=archive, subdomain="restored", actor=OPERATING, send=False)
    real: Callable[..., None] = loading.settle

    def robbed(schema: str) -> None:
        Operation.objects.filter(pk=operation.pk).update(lease=None, status="waiting")
        real(schema)

    monkeypatch.setattr(loading, "settle", robbed)
    assert run_operation(operation.pk).status == "waiting"
    made = Client.objects.get(subdomain="restored")
    assert made.status == "provisioning"
    assert sums(made)["orders_order"][0] == 0
