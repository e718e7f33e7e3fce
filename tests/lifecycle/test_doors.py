"""The doors of operators: the shell, the admin, and the worker's queue."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone

from config.celery import SCHEDULE, app
from shared_apps.clients.models import Client
from shared_apps.lifecycle import tables
from shared_apps.lifecycle.models import DeletionCertificate, Operation
from shared_apps.lifecycle.services import export_client, request_deletion
from shared_apps.lifecycle.tasks import run_operation_task, sweep_operations
from tenants.audit.models import AuditEntry
from tenants.context import Tenant
from tests.cast import OPERATOR
from tests.lifecycle.conftest import OPERATING, archive_of, copied, done, exported, sums
from tests.waiting import wait_until


def tenant(*words: str) -> dict[str, Any]:
    """Call `manage.py tenant`, and read its answer."""
    out, err = io.StringIO(), io.StringIO()
    call_command("tenant", *words, "--json", stdout=out, stderr=err)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


# The shell


def test_a_tenant_s_whole_life_on_the_shell(shop: Client) -> None:
    before = sums(shop)
    told = tenant("export", "initech")
    assert (told["status"], Path(told["file"]).stat().st_size) == ("done", told["size"])
    assert tenant("restore", "second", "--from", told["file"], "--title", "Second")["status"] == "done"
    second = Client.objects.get(subdomain="second")
    assert (second.name, sums(second)) == ("Second", before)
    replace = ("restore", "initech", "--from", told["file"], "--replace")
    assert tenant(*replace, "--confirm", "initech")["status"] == "done"
    assert tenant("copy", "initech", "--owner", "m@initech.example", "--to", "trial")["status"] == "done"
    assert tenant("delete", "trial", "--preview")["people"] == 2
    assert tenant("delete", "trial", "--confirm", "trial", "--grace", "14d")["status"] == "deleting"
    assert tenant("keep", "trial")["status"] == "archived"
    assert tenant("delete", "trial", "--confirm", "trial", "--now")["status"] == "done"
    assert tenant("certificate", "trial")["genuine"] is True
    assert list(tenant("operations", "initech").values()) == [
        "copy done 100 %",
        "restore done 100 %",
        "export done 100 %",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "nobody"), "No tenant is called 'nobody'"),
        (("restore", "second", "--from", "absent.zip"), "cannot be read"),
        (("restore", "acme", "--from", "absent.zip"), "belongs to somebody already"),
        (("restore", "acme", "--from", "absent.zip", "--replace"), "type its subdomain, 'acme'"),
        (("copy", "acme", "--owner", "milton"), "e-mail address"),
        (("copy", "acme", "--owner", "m@acme.example", "--to", "globex"), "belongs to somebody already"),
        (("delete", "acme"), "type its subdomain, 'acme'"),
        (("delete", "acme", "--grace", "soon"), "such as 30d"),
        (("keep", "acme"), "Acme is active; to cancel deletion"),
        (("certificate", "acme"), "No certificate"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    acme: Tenant, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        tenant(*words)
    assert Operation.objects.count() == 0
    assert Client.objects.get(pk=acme.id).status == "active"


def test_a_failure_on_the_shell_says_that_nothing_was_changed(shop: Client) -> None:
    archive = archive_of(shop)
    whole = archive.read_bytes()
    archive.write_bytes(whole.replace(b"Mug", b"Jug"))
    with pytest.raises(CommandError, match=r"failed, and nothing was changed: The entry .* is damaged"):
        tenant("restore", "second", "--from", str(archive))
    assert not Client.objects.filter(subdomain="second").exists()


# The queue


def test_a_worker_does_what_was_ordered_and_the_sweep_what_was_lost(shop: Client, acme: Tenant) -> None:
    app.control.purge()  # what the shop's sign-up has asked for is no matter of this
    lost = export_client(client_id=acme.id, actor=OPERATING, send=False)
    Operation.objects.filter(pk=lost.pk).update(updated_at=timezone.now().replace(year=2020))
    sent = export_client(client_id=shop.pk, actor=OPERATING)
    sweep_operations.apply()
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        wait_until(lambda: Operation.objects.filter(status="done").count() == 2, "they were not done")
    app.control.purge()
    assert {one.archive is not None for one in Operation.objects.filter(pk__in=[lost.pk, sent.pk])} == {True}


def test_a_message_for_what_is_done_does_nothing(shop: Client) -> None:
    operation = exported(shop)
    before = operation.finished_at
    run_operation_task.apply(args=(str(operation.pk),))
    operation.refresh_from_db()
    assert (operation.finished_at, operation.attempts) == (before, 1)


def test_the_sweep_comes_often_enough() -> None:
    from shared_apps.lifecycle.models import STALE_AFTER

    every = SCHEDULE["sweep-operations"]["schedule"]
    assert isinstance(every, float)
    assert every + STALE_AFTER.total_seconds() < 60


# Progress and memory


def test_progress_is_told_while_rows_go(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared_apps.lifecycle.services import run_operation

    monkeypatch.setattr(tables, "BLOCK", 200)
    seen: list[tuple[str, int]] = []
    operation = export_client(client_id=shop.pk, actor=OPERATING, send=False)
    run_operation(operation.pk, lambda hold: seen.append((hold.at, hold.rows)))
    assert [rows for _, rows in seen] == sorted(rows for _, rows in seen)
    assert len({rows for _, rows in seen}) > 10
    assert {"orders_order", "users_user"} <= {at for at, _ in seen}


def test_an_export_asks_no_more_of_the_database_when_there_are_more_schemas(shop: Client) -> None:
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connections["migrator"]) as few:
        done(export_client(client_id=shop.pk, actor=OPERATING, send=False))
    copied(shop)
    with CaptureQueriesContext(connections["migrator"]) as more:
        done(export_client(client_id=shop.pk, actor=OPERATING, send=False))
    assert len(more) == len(few)


# The admin


def page(browser: Browser, path: str, **data: Any) -> str:
    answer = browser.post(path, data, follow=True) if data else browser.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_an_operator_exports_watches_and_downloads(operator: Browser, shop: Client) -> None:
    path = f"/admin/clients/client/{shop.pk}/export/"
    assert "Export Initech" in page(operator, path)
    assert Operation.objects.count() == 0
    assert "Waiting" in page(operator, path, sent="1")
    operation = done(Operation.objects.get())
    assert operation.requested_by == OPERATOR
    assert "100 %" in page(operator, "/admin/lifecycle/operation/")
    detail = page(operator, f"/admin/lifecycle/operation/{operation.pk}/change/")
    assert all(
        text in detail for text in (operation.file_sha256, "initech", "/download/", "/restore/", "/put-back/")
    )
    answer = operator.get(f"/admin/lifecycle/operation/{operation.pk}/download/")
    assert operation.archive is not None
    assert b"".join(answer.streaming_content) == operation.archive.read_bytes()  # type: ignore[attr-defined]
    entry = AuditEntry.objects.using("control").get(verb="archive.downloaded")
    assert (entry.actor_label, entry.data["sha256"]) == (OPERATOR, operation.file_sha256)


def test_an_archive_is_restored_and_put_back_from_its_page(operator: Browser, shop: Client) -> None:
    operation = exported(shop)
    base = f"/admin/lifecycle/operation/{operation.pk}"
    assert "belongs to somebody already" in page(operator, f"{base}/restore/", subdomain="acme")
    page(operator, f"{base}/restore/", subdomain="second")
    done(Operation.objects.get(kind="restore"))
    assert Client.objects.get(subdomain="second").status == "active"
    assert "type its subdomain" in page(operator, f"{base}/put-back/", typed_name="wrong")
    page(operator, f"{base}/put-back/", typed_name="initech")
    done(Operation.objects.get(kind="restore", tenant_id=shop.pk))


def test_a_sandbox_is_ordered_from_the_tenant_s_page(operator: Browser, shop: Client) -> None:
    path = f"/admin/clients/client/{shop.pk}/copy/"
    assert "initech-sandbox" in page(operator, path)
    page(operator, path, subdomain="trial", owner_email="milton@initech.example")
    done(Operation.objects.get(kind="copy"))
    assert Client.objects.get(subdomain="trial").sandbox_of_id == shop.pk


def test_a_deletion_shows_what_goes_and_wants_the_name(operator: Browser, shop: Client) -> None:
    path = f"/admin/clients/client/{shop.pk}/remove/"
    asked = page(operator, path)
    assert all(text in asked for text in ("What would go", "initech.localhost", "2 ("))
    assert "type its subdomain" in page(operator, path, typed_name="acme")
    shop.refresh_from_db()
    assert shop.status == "active"
    page(operator, path, typed_name="initech", immediately="on")
    done(Operation.objects.get(kind="delete"))
    certificate = DeletionCertificate.objects.get()
    assert "Initech" in page(operator, f"/admin/lifecycle/deletioncertificate/{certificate.pk}/change/")
    assert "initech" in page(operator, "/admin/lifecycle/deletioncertificate/")
    assert "initech" in page(operator, "/admin/lifecycle/operation/")


def test_a_deletion_is_called_off_from_the_tenant_s_page(operator: Browser, shop: Client) -> None:
    page(operator, f"/admin/clients/client/{shop.pk}/remove/", typed_name="initech")
    shop.refresh_from_db()
    assert shop.status == "deleting"
    page(operator, f"/admin/clients/client/{shop.pk}/keep/", sent="1")
    shop.refresh_from_db()
    assert shop.status == "archived"


def test_nobody_else_gets_an_archive(shop: Client, client_of: Any, acme: Tenant, owner: Any) -> None:
    operation = exported(shop)
    path = f"/admin/lifecycle/operation/{operation.pk}/download/"
    assert Browser(headers={"host": settings.PUBLIC_HOST}).get(path).status_code == 302
    assert client_of(acme, owner).get(path).status_code == 404
    assert not Path(settings.ARCHIVE_ROOT).is_relative_to(settings.MEDIA_ROOT)


def test_what_cannot_be_done_now_is_not_offered(operator: Browser, shop: Client) -> None:
    request_deletion(client_id=shop.pk, typed_name="initech", actor=OPERATING)
    assert operator.get(f"/admin/clients/client/{shop.pk}/copy/").status_code in (302, 403)
    operation = Operation(kind="export", tenant_id=shop.pk, tenant_label="initech", requested_by="x")
    operation.save()
    assert operator.get(f"/admin/lifecycle/operation/{operation.pk}/download/").status_code in (302, 403)
