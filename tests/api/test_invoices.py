"""/api/v1/invoices/ and /api/v1/seller/"""

from pathlib import Path

import pytest
from django.conf import settings

from tenant_apps.invoices.filing import make_file
from tenants.context import tenant_context, unit_of_work
from tests.api.calls import NOWHERE, errors, problem
from tests.orders.builders import a_placed_order

SELLER = {"legal_name": "Acme Ltd", "line1": "1 Quay St", "city": "Bristol", "country": "GB"}


@pytest.fixture(autouse=True)
def quiet_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent to the worker; files vanish with the test."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    monkeypatch.setattr("tenant_apps.invoices.tasks.make_invoice_file.delay", lambda invoice_id: None)


@pytest.fixture
def order(acme) -> str:
    with unit_of_work(acme):
        return str(a_placed_order().pk)


def test_an_order_is_invoiced_downloaded_and_credited(owner_api, acme, order, monkeypatch):
    monkeypatch.setattr("tenant_apps.invoices.filing.pdf_of", lambda invoice: b"%PDF-")
    problem(owner_api.post(f"orders/{order}/invoices/"), 409, "seller_incomplete")
    assert owner_api.patch("seller/", SELLER).json()["legal_name"] == "Acme Ltd"
    created = owner_api.post(f"orders/{order}/invoices/")
    invoice = created.json()
    assert (created.status_code, invoice["number"], invoice["total"]) == (201, 1, "19.00")
    assert (invoice["file"]["state"], invoice["content"]["seller"]["city"]) == ("queued", "Bristol")
    path = f"invoices/{invoice['id']}/"
    problem(owner_api.get(f"{path}download/"), 409, "file_not_ready")
    with tenant_context(acme):
        make_file(invoice["id"])
    download = owner_api.get(f"{path}download/").json()
    assert (download["file_name"], download["size"]) == (f"{invoice['code']}.pdf", 5)
    assert owner_api.client.get(download["url"]).status_code == 200
    problem(owner_api.post(f"orders/{order}/invoices/"), 409, "already_invoiced")
    lines = [{"position": 1, "quantity": 1}]
    note = owner_api.post(f"{path}credit/", {"lines": lines, "reason": "Chipped"})
    assert (note.status_code, note.json()["total"], note.json()["invoice"]) == (201, "9.50", invoice["id"])
    refused = problem(owner_api.post(f"{path}credit/", {"amount": "9.51"}), 422, "credit_too_high")
    assert refused["left"] == "9.50"
    assert owner_api.post(f"{path}retry/").json()["file"]["state"] == "ready"


def test_documents_are_filtered_and_never_changed(owner_api, order):
    owner_api.patch("seller/", SELLER)
    invoice = owner_api.post(f"orders/{order}/invoices/").json()
    note = owner_api.post(f"invoices/{invoice['id']}/credit/").json()
    queries = {
        "kind": ("credit_note", [note]),
        "order": (order, [note, invoice]),
        "customer": (NOWHERE, []),
        "year": (str(invoice["year"]), [note, invoice]),
        "code": (invoice["code"], [invoice]),
        "invoice": (invoice["id"], [note]),
        "search": ("cn-", [note]),
    }
    for name, (value, expected) in queries.items():
        found = owner_api.get("invoices/", **{name: value}).json()["data"]
        assert [row["id"] for row in found] == [row["id"] for row in expected], name
    problem(owner_api.post(f"orders/{NOWHERE}/invoices/"), 404, "not_found")
    for method in (owner_api.patch, owner_api.put):
        problem(method(f"invoices/{invoice['id']}/", {"total": "1.00"}), 405, "method_not_allowed")
    problem(owner_api.delete(f"invoices/{invoice['id']}/"), 405, "method_not_allowed")


def test_the_seller_is_changed_by_those_who_manage(api, owner_api):
    problem(api("member").patch("seller/", SELLER), 403, "forbidden")
    assert api("viewer").get("seller/").json()["invoice_prefix"] == "INV-"
    problem(owner_api.patch("seller/", {"country": "XX"}), 422, "invalid")
    assert errors(owner_api.patch("seller/", {"payment_days": "x"})) == {"/payment_days": "invalid"}
    problem(owner_api.patch("seller/", {"issuing": "when_paid"}), 409, "seller_incomplete")
