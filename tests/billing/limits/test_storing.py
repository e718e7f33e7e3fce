"""Storage: uploads are refused when there is no room, and nothing is left of what was refused."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tests.api.calls import problem, signed_in
from tests.plans import allow
from tests.products.builders import a_product
from tests.products.pictures import a_picture


def test_uploads_are_refused_when_storage_is_full(
    acme: Tenant, owner: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    allow(monkeypatch, storage=1)
    with unit_of_work(acme):
        product = a_product()
    api = signed_in(owner, acme)

    def upload(path: str, name: str, content: bytes) -> Any:
        return api.client.post(f"/api/v1/{path}", {"file": SimpleUploadedFile(name, content)})

    pictures = f"products/{product.pk}/images/"
    assert upload(pictures, "mug.jpg", a_picture().getvalue()).status_code == 201
    kept = sorted(tmp_path.rglob("*.*"))
    refused = problem(upload(pictures, "mug.jpg", a_picture().getvalue()), 402, "limit_reached")
    assert (refused["limit"], refused["allowed"], refused["used"]) == ("storage", 1, 1)
    lines = b"InvoiceNo,StockCode,Quantity,UnitPrice,InvoiceDate\n1,A,1,1.00,2026-01-01\n"
    assert problem(upload("imports/", "orders.csv", lines), 402, "limit_reached")["limit"] == "storage"
    assert sorted(tmp_path.rglob("*.*")) == kept
    told = {each["limit"]: each for each in api.get("billing/entitlements/").json()["limits"]}
    assert told["storage"]["used"] == 0, "it is shown as it was last measured"
