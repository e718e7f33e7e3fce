"""What tests of imports share: running inside acme without a transaction, and small chunks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction

from tenant_apps.imports import applying, staging
from tenant_apps.imports.models import Import
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import upload_import
from tenants.audit.actors import Actor
from tenants.context import Tenant, tenant_context
from tests.imports.files import Truth, generated

CLERK = Actor(kind="user", id=None, label="clerk@acme.example")
Upload = Callable[..., Import]


@pytest.fixture(autouse=True)
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Uploaded files go where the test can see them, and vanish with it."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[Tenant]:
    """Run the test as a worker runs: in the tenant, with every transaction a real one."""
    with tenant_context(acme):
        yield acme


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and batches so small that small files need many."""
    monkeypatch.setattr(staging, "CHUNK_ROWS", 40)
    monkeypatch.setattr(applying, "BATCH_LINES", 60)


@pytest.fixture(scope="module")
def history() -> tuple[str, Truth]:
    """A dirty file, and what is true of it."""
    return generated(invoices=120)


def upload(text: str | bytes, **options: object) -> Import:
    """Upload a file's text as the clerk; started unless the test says otherwise."""
    content = text.encode() if isinstance(text, str) else text
    given = {"start": True, "name": "orders.csv", **options}
    with transaction.atomic():
        return upload_import(actor=CLERK, file=ContentFile(content), **given)  # type: ignore[arg-type]


def fresh(job: Import) -> Import:
    """The import as it is stored now."""
    with transaction.atomic():
        return Import.objects.get(pk=job.pk)


def imported(text: str | bytes, **options: object) -> Import:
    """Upload a file and run it to its end, as a worker would."""
    job = upload(text, **options)
    run_import(job.pk)
    return fresh(job)
