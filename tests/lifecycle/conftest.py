"""What tests of whole tenants share: a shop with rows in every table and files, and ways to do operations."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connections, transaction
from django.test import Client as Browser
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant, sign_up
from shared_apps.lifecycle.making import made_by
from shared_apps.lifecycle.models import Operation
from shared_apps.lifecycle.services import (
    copy_client,
    export_client,
    replace_client,
    restore_client,
    run_operation,
)
from shared_apps.lifecycle.tables import Checksums, checksum
from tenant_apps.imports.models import Import, ImportedRecord, RejectedRow, StagedLine
from tenant_apps.imports.services import upload_import
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import TaxRule
from tenant_apps.orders.services import fulfil_order
from tenant_apps.products.bulk import PRODUCTS as PRODUCTS_BULK
from tenant_apps.products.models import Image
from tenant_apps.products.services import create_category
from tenant_apps.reports.services import roll_up
from tenants.api.jobs import start_job
from tenants.api.models import IdempotencyKey
from tenants.audit.actors import Actor
from tenants.context import Tenant, public_context, unit_of_work
from tenants.models import uuid7
from tenants.routers import MIGRATOR_ALIAS
from tenants.users.models import SignIn, User
from tenants.users.services import create_api_token
from tenants.users.sign_ins import begin_sign_in
from tests.cast import OPERATOR, PASSWORD
from tests.imports.files import a_csv, a_row
from tests.invoices.builders import an_invoice
from tests.kills import killed
from tests.orders.builders import a_draft, a_paid_order
from tests.products.builders import a_product, a_service, some_documents
from tests.webhooks.builders import a_webhook

OPERATING = Actor(kind="operator", id=None, label=OPERATOR)
NASTY = "tab\there, line\nthere, \\N and \\. and „quotes“ ' \" 🧾"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Archives and uploaded files of this test alone."""
    monkeypatch.setattr(settings, "ARCHIVE_ROOT", tmp_path / "archives")
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path / "media")
    return tmp_path


@pytest.fixture(autouse=True)
def _public() -> Iterator[None]:
    """Operators work in the public realm."""
    with public_context():
        yield


@pytest.fixture
def shop() -> Client:
    """A tenant with rows in every table that travels, awkward ones among them, and with files."""
    client = sign_up(
        company="Initech",
        subdomain="initech",
        email="peter@initech.example",
        password=PASSWORD,
        currency="USD",
    )
    stock(as_tenant(client))
    return client


def stock(tenant: Tenant) -> None:
    """Put rows into every table of a tenant, and two files into its folder."""
    actor = Actor.system("the stocker")
    with unit_of_work(tenant):
        owner = User.objects.get(role="owner")
        create_api_token(actor=actor, owner=owner, name="till", scopes=["orders:read"])
        begin_sign_in(user=owner, kind=SignIn.Kind.API, client=NASTY)
        start_job(actor=actor, kind=PRODUCTS_BULK.job, parameters={"items": [NASTY]}, total=1)
        IdempotencyKey.objects.create(
            credential="till",
            key="1",
            fingerprint="1",
            status=201,
            answer=bytes(range(256)),
            created_at=timezone.now(),
        )
        create_category(actor=actor, name="Things")
        mug = a_product(name="Mug", description=NASTY, opening_stock=50)
        Image.objects.create(product=mug, position=0, alt=NASTY[:200], width=1, height=1, size=1)
        buyer = create_customer(
            actor=actor, name="Bill", email="bill@customers.example", phone="+44 1", reference="B-1"
        )
        add_note(actor=actor, customer=buyer, text=NASTY)
        add_address(actor=actor, customer=buyer, line1="1 High St", city="Oxford", country="GB")
        order = a_paid_order((mug, 2), (a_service(), 1), customer=buyer)
        fulfil_order(actor=actor, order=order, carrier=NASTY[:20])
        an_invoice(order)
        TaxRule.objects.create(name="VAT", rate=20, valid_from=timezone.now().date())
        roll_up()
        a_draft((mug, 1))
        some_documents(mug)
        a_webhook()
        job = _an_import(actor, a_csv(a_row(), a_row(Quantity="many")))
        _an_import(actor, a_csv(a_row()))
        RejectedRow.objects.create(job=job, line=3, reason="quantity", detail=NASTY[:60], fields=[NASTY])
        ImportedRecord.objects.create(
            job=job, line=2, key="A", outcome="changed", record_id=mug.pk, before={"name": NASTY}, after={}
        )
        StagedLine.objects.create(
            job=job, line=7, invoice="7", is_cancellation=False, sku="A", description=NASTY[:100], quantity=1,
            unit_price=1, placed_at=timezone.now(), customer=None, customer_name="", country="",
        )  # fmt: skip


def _an_import(actor: Actor, text: str) -> Import:
    return upload_import(actor=actor, file=ContentFile(text.encode()), name="orders.csv", start=False)


# Doing operations


def exported(client: Client) -> Operation:
    return done(export_client(client_id=client.pk, actor=OPERATING, send=False))


def restored(archive: Path, subdomain: str = "restored", **options: Any) -> Client:
    operation = done(
        restore_client(archive=archive, subdomain=subdomain, actor=OPERATING, send=False, **options)
    )
    return made_by(operation)


def archive_of(client: Client) -> Path:
    """An archive of a tenant, just made."""
    path = exported(client).archive
    assert path is not None
    return path


def replaced(archive: Path, client: Client, **options: Any) -> Operation:
    options |= {"typed_name": client.subdomain, "actor": OPERATING, "send": False}
    return done(replace_client(archive=archive, client_id=client.pk, **options))


def copied(client: Client, **options: Any) -> Client:
    given = {"owner_email": "milton@initech.example", **options}
    operation = done(copy_client(client_id=client.pk, actor=OPERATING, send=False, **given))
    return made_by(operation)


def done(operation: Operation) -> Operation:
    """Run an operation here, and see it succeed."""
    operation = run_operation(operation.pk)
    assert operation.status == "done", operation.error
    return operation


def failed(operation: Operation) -> str:
    """Run an operation here, and see it fail: what it says."""
    operation = run_operation(operation.pk)
    assert operation.status == "failed", operation.status
    return operation.error


# Looking


def sums(client: Client | Tenant) -> Checksums:
    """Rows and checksum of every table of a tenant."""
    schema = client.schema if isinstance(client, Tenant) else client.schema_name
    with transaction.atomic(using=MIGRATOR_ALIAS):
        return checksum(schema)


def files_of(client: Client) -> dict[str, bytes]:
    folder = Path(settings.MEDIA_ROOT) / client.schema_name
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def rows(client: Client, query: str) -> list[tuple[Any, ...]]:
    """What the migrator reads in a tenant's schema."""
    with transaction.atomic(using=MIGRATOR_ALIAS), connections[MIGRATOR_ALIAS].cursor() as cursor:
        cursor.execute(query.replace("HERE.", f'"{client.schema_name}".'))
        return list(cursor.fetchall())


def leftovers(folder: Path) -> list[str]:
    """What lies in archives and media and should not: half files and staged folders."""
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.name.endswith(".part") or path.name.startswith((".staged", ".old"))
    )


def repack(
    archive: Path, change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED
) -> Path:
    """A copy of an archive with other contents."""
    with zipfile.ZipFile(archive) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    change(entries)
    new = archive.with_name(f"changed-{uuid7()}.zip")
    with zipfile.ZipFile(new, "w", compression) as out:
        for name, body in entries.items():
            out.writestr(name, body)
    return new


def killed_at(operation: Operation, owner: Any, name: str, *, after: bool = False) -> None:
    """Run an operation in a process that is killed when it comes to a function, or has just left it."""
    killed(lambda: run_operation(operation.pk), at=(owner, name), after=after)


@pytest.fixture
def operator() -> Browser:
    """An operator who has signed in at the admin."""
    browser = Browser(headers={"host": settings.PUBLIC_HOST})
    answer = browser.post("/admin/login/?next=/admin/", {"username": OPERATOR, "password": PASSWORD})
    assert answer.status_code == 302, answer.content
    return browser
