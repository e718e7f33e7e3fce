"""The API of imports: uploads, jobs with progress, moves, and the report."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tenant_apps.imports.models import Import
from tenant_apps.imports.running import run_import
from tenants.context import Tenant, tenant_context, unit_of_work
from tests.imports.files import HEADER, a_csv, a_row, every_reason

URL = "/api/v1/imports/"
Bearer = Callable[..., Client]


@pytest.fixture
def api(bearer: Bearer, acme: Tenant) -> Client:
    return bearer(acme, "member@acme.example")


def send(api: Client, text: str | bytes, **fields: str) -> Any:
    content = text.encode() if isinstance(text, str) else text
    return api.post(URL, {"file": SimpleUploadedFile("may.csv", content, "text/csv"), **fields})


def work(tenant: Tenant, job: dict[str, Any]) -> None:
    """What the worker does."""
    with tenant_context(tenant):
        run_import(job["id"])


def post(api: Client, job: dict[str, Any], move: str) -> Any:
    return api.post(f"{URL}{job['id']}/{move}/", content_type="application/json")


def test_an_upload_is_accepted_and_shown_as_a_job(api: Client, acme: Tenant):
    answer = send(api, every_reason())
    job = answer.json()
    assert answer.status_code == 202, job
    assert answer["Location"].endswith(f"{URL}{job['id']}/")
    assert (job["status"], job["phase"], job["progress"]["percent"]) == ("running", "waiting", 0)
    assert job["file"]["name"] == "may.csv"
    assert job["file"]["columns"] == list(HEADER)
    assert job["created_by"]
    work(acme, job)
    done = api.get(f"{URL}{job['id']}/").json()
    assert (done["status"], done["phase"], done["error"]) == ("done", "finished", "")
    assert done["progress"]["percent"] == 100
    assert done["counts"]["rows_imported"] == 1
    assert done["counts"]["rows_read"] == done["counts"]["rows_rejected"] + 1
    assert done["finished_at"] > done["started_at"]


def test_mapping_and_options_come_with_the_form(api: Client, acme: Tenant):
    text = a_csv(a_row(InvoiceDate="1/12/2010")).replace("StockCode", "Kode")
    mapping = {
        "invoice": "InvoiceNo",
        "sku": "Kode",
        "quantity": "Quantity",
        "placed_at": "InvoiceDate",
        "unit_price": "UnitPrice",
    }
    answer = send(api, text, mapping=json.dumps(mapping), options='{"date_order": "dmy", "currency": "USD"}')
    job = answer.json()
    assert answer.status_code == 202, job
    assert (job["mapping"], job["options"]["date_order"], job["options"]["currency"]) == (
        mapping,
        "dmy",
        "USD",
    )
    work(acme, job)
    assert api.get(f"{URL}{job['id']}/").json()["counts"]["orders_created"] == 1


def test_a_kept_file_is_configured_then_started(api: Client):
    job = send(api, a_csv(a_row()).replace("StockCode", "Kode"), start="false").json()
    assert (job["status"], job["missing"]) == ("uploaded", ["sku"])
    refused = post(api, job, "start")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_mapping")
    body = {"mapping": {**job["mapping"], "sku": "Kode"}}
    changed = api.patch(f"{URL}{job['id']}/", body, content_type="application/json")
    assert changed.json()["status"] == "ready", changed.json()
    assert post(api, job, "start").json()["status"] == "running"


@pytest.mark.parametrize(
    ("text", "fields", "status", "code", "pointer"),
    [
        ("", {}, 422, "validation_failed", "/file"),
        ("\n\n", {}, 422, "empty_file", "/file"),
        (b"PK\x03\x04zip", {}, 422, "not_a_csv", "/file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", {}, 422, "not_a_csv", "/file"),
        ("colour,size\nred,9\n", {}, 422, "invalid_mapping", "/mapping"),
        (a_csv(), {"mapping": '{"sku": "Nope"}'}, 422, "invalid_mapping", "/mapping"),
        (a_csv(), {"mapping": "sku=StockCode"}, 422, "validation_failed", "/mapping"),
        (a_csv(), {"mapping": "[" * 100_000}, 422, "validation_failed", "/mapping"),
        (a_csv(), {"mapping": '["sku"]'}, 422, "validation_failed", "/mapping"),
        (a_csv(), {"mapping": '{"sku": {"a": 1}}'}, 422, "validation_failed", "/mapping/sku"),
        (a_csv(), {"options": '{"currency": "£"}'}, 422, "invalid_options", "/options"),
        (a_csv(), {"start": "perhaps"}, 422, "validation_failed", "/start"),
        (a_csv(), {"colour": "red"}, 422, "validation_failed", "/colour"),
        (a_csv(a_row(InvoiceDate="1/2/2010")), {}, 422, "invalid_options", "/options"),
    ],
)
def test_bad_uploads_are_problems_and_leave_nothing(
    api: Client, acme: Tenant, text: str | bytes, fields: dict[str, str], status: int, code: str, pointer: str
):
    answer = send(api, text, **fields)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer["Content-Type"].startswith("application/problem+json")
    assert pointer in [error["pointer"] for error in problem["errors"]]
    with unit_of_work(acme):
        assert not Import.objects.exists()


def test_a_file_is_needed(api: Client):
    assert api.post(URL, {}, content_type="application/json").status_code == 422


def test_a_body_over_the_limit_is_413_before_it_is_read(api: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "IMPORT_MAX_MB", 1)
    answer = send(api, b"x" * (2 * 1024 * 1024 + 10))
    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")


def test_an_import_is_cancelled_resumed_and_deleted(api: Client, acme: Tenant):
    job = send(api, a_csv(a_row())).json()
    assert post(api, job, "cancel").json()["status"] == "cancelled"
    again = post(api, job, "cancel")
    assert (again.status_code, again.json()["code"]) == (409, "import_status")
    assert post(api, job, "resume").status_code == 202
    assert api.delete(f"{URL}{job['id']}/").status_code == 409
    work(acme, job)
    assert api.delete(f"{URL}{job['id']}/").status_code == 204
    assert api.get(f"{URL}{job['id']}/").status_code == 404


def test_the_report_is_a_csv_to_save(api: Client, acme: Tenant):
    job = send(api, every_reason()).json()
    work(acme, job)
    for accept in ("*/*", "text/csv", "application/json"):
        answer = api.get(f"{URL}{job['id']}/errors/", headers={"accept": accept})
        body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
        assert answer["Content-Disposition"] == f'attachment; filename="rejected-rows-{job["id"]}.csv"'
        assert body.decode("utf-8-sig").splitlines()[0] == ",".join(["line", "reason", "detail", *HEADER])
    missing = api.get(f"{URL}{uuid4()}/errors/", headers={"accept": "text/csv"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_the_list_is_filtered_searched_and_ordered(api: Client):
    first, second = send(api, a_csv(a_row()), start="false").json(), send(api, a_csv(a_row())).json()
    ids = [job["id"] for job in api.get(URL).json()["data"]]
    assert ids == [second["id"], first["id"]]
    assert [job["id"] for job in api.get(f"{URL}?status=ready").json()["data"]] == [first["id"]]
    assert len(api.get(f"{URL}?search=may&ordering=created_at").json()["data"]) == 2
    assert api.get(f"{URL}?status=asleep").status_code == 422


def test_viewers_look_and_do_not_import(bearer: Bearer, acme: Tenant, api: Client):
    job = send(api, every_reason()).json()
    viewer = bearer(acme, "viewer@acme.example")
    assert viewer.get(URL).status_code == 200
    assert viewer.get(f"{URL}{job['id']}/errors/").status_code == 200
    assert send(viewer, a_csv(a_row())).status_code == 403
    assert all(post(viewer, job, move).status_code == 403 for move in ("start", "cancel", "resume"))
    assert viewer.delete(f"{URL}{job['id']}/").status_code == 403


def test_the_neighbour_finds_nothing(bearer: Bearer, globex: Tenant, api: Client):
    job = send(api, every_reason()).json()
    neighbour = bearer(globex, "owner@globex.example")
    assert neighbour.get(URL).json()["data"] == []
    assert neighbour.get(f"{URL}{job['id']}/").status_code == 404
    assert neighbour.get(f"{URL}{job['id']}/errors/").status_code == 404
    assert all(post(neighbour, job, move).status_code == 404 for move in ("start", "cancel", "resume"))
    assert neighbour.delete(f"{URL}{job['id']}/").status_code == 404


def test_products_are_rehearsed_started_and_undone(api: Client, acme: Tenant):
    job = send(api, "SKU,Name,Price\nJUG,Jug,7.00\n", kind="products", start="false").json()
    assert (job["kind"], job["status"], job["missing"]) == ("products", "ready", [])
    for move, status, mode in (
        ("rehearse", "ready", "rehearse"),
        ("start", "done", "apply"),
        ("undo", "done", "undo"),
    ):
        answer = post(api, job, move)
        assert (answer.status_code, answer.json()["mode"]) == (202, mode), answer.content
        work(acme, job)
        found = api.get(f"{URL}{job['id']}/").json()
        assert (found["status"], found["counts"]["products_created"]) == (status, 1)
    assert found["counts"]["records_undone"] == 1
    assert found["undone_at"]
    assert post(api, job, "undo").status_code == 409
    assert send(api, "SKU\n", kind="wishes").status_code == 422
