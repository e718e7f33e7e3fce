"""Files of customers: tried, put in by e-mail address, reported and taken back; and what an erasure leaves of them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from tenant_apps.imports import undoing, upserts
from tenant_apps.imports.models import Import, ImportedRecord
from tenant_apps.imports.services import rehearse_import, start_import, undo_import
from tenant_apps.orders.customers.erasing import erase_customer
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.notes import add_note
from tenant_apps.orders.customers.services import create_customer, update_customer
from tenants.audit.models import AuditEntry
from tests.imports.conftest import CLERK, imported, upload
from tests.imports.test_products import moved, rejected

pytestmark = pytest.mark.usefixtures("in_acme")

FILE = """\
E-Mail,Name,Tags,Kundennummer,VAT id
ADA@example.com,Ada Lovelace,"VIP, trade",C-1,
grace@example.com,Grace,,C-2,
bob@example.com,Bob,,,
eve@example.com,Eve,,C-1,
new@example.com,,,,
Bob@Example.com,Bob again,,,
no address,Eve,,,
vat@example.com,Vat,,,??
twin@example.com,Twin,,,
"""
REJECTED = [
    ["5", "refused"],
    ["6", "refused"],
    ["7", "email_repeated"],
    ["8", "email_invalid"],
    ["9", "refused"],
    ["10", "refused"],
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(upserts, "CHUNK_RECORDS", 4)
    monkeypatch.setattr(undoing, "CHUNK", 1)


@pytest.fixture
def known(in_acme):
    with transaction.atomic():
        create_customer(actor=CLERK, name="Grace", email="Grace@example.com", reference="C-2", phone="1")
        create_customer(actor=CLERK, name="Ada", email="ada@Example.com", note="Kept")
        for _ in range(2):
            create_customer(actor=CLERK, name="Twin", email="twin@example.com")


def counted(job: Import) -> tuple[int, ...]:
    made = (job.customers_created, job.customers_changed)
    return (job.rows_read, *made, job.rows_already_there, job.rows_rejected)


def people() -> dict[str, tuple[str, str | None]]:
    with transaction.atomic():
        return {c.email.lower(): (c.name, c.reference) for c in Customer.objects.all()}


@pytest.mark.usefixtures("known")
def test_a_dry_run_says_what_the_import_then_does_and_undoing_takes_it_back():
    before = people()
    job = moved(rehearse_import, upload(FILE, kind="customers", start=False))
    assert (job.status, job.error, people()) == ("ready", "", before)
    assert (counted(job), rejected(job)) == ((9, 1, 1, 1, 6), REJECTED)
    job = moved(start_import, job)
    assert (job.status, job.error, counted(job), rejected(job)) == ("done", "", (9, 1, 1, 1, 6), REJECTED)
    changes = {"ada@example.com": ("Ada Lovelace", "C-1"), "bob@example.com": ("Bob", None)}
    assert people() == {**before, **changes}
    with transaction.atomic():
        ada = Customer.objects.get(reference="C-1")
        assert (ada.tags, ada.note, ada.email) == (["vip", "trade"], "Kept", "ada@Example.com")
        entries = AuditEntry.objects.filter(actor_label="importer", target_type="orders.customer")
        told = {entry.verb: entry.data for entry in entries}
        assert set(told) == {"customer.created", "customer.updated"}
        assert set(told["customer.updated"]["fields"]) == {"name", "tags", "reference"}
    assert counted(imported(FILE, kind="customers")) == (9, 0, 0, 3, 6)
    undone = moved(undo_import, job)
    assert (undone.status, undone.records_undone, undone.records_kept, people()) == ("done", 2, 0, before)


def test_what_somebody_has_touched_since_stays():
    job = imported("email,name\na@example.com,A\nb@example.com,B\nc@example.com,C\n", kind="customers")
    with transaction.atomic():
        first, second, _ = Customer.objects.order_by("email")
        update_customer(actor=CLERK, customer=first, name="By hand")
        add_note(actor=CLERK, customer=second, text="Rang")
    undone = moved(undo_import, job)
    assert rejected(undone) == [["2", "changed_since"], ["3", "in_use"]]
    assert set(people()) == {"a@example.com", "b@example.com"}


def test_people_bring_customers_by_the_portal(client_of, acme, owner):
    browser, file = client_of(acme, owner), SimpleUploadedFile("c.csv", FILE.encode(), "text/csv")
    page = browser.post("/imports/new/", {"kind": "customers", "file": file}, follow=True)
    shown = page.content.decode()
    assert all(word in shown for word in ("VAT id", "Customer number", "What the columns mean"))
    assert "Time zone of the dates" not in shown
    with transaction.atomic():
        job = Import.objects.get()
    job = moved(rehearse_import, job)
    shown = browser.get(f"/imports/{job.pk}/").content.decode()
    wanted = {"New customers", "ada@example.com", "Rejected"}
    assert {word for word in wanted if word in shown} == wanted


def test_an_erasure_empties_what_imports_have_noted():
    imported("email,name,company\nada@example.com,Ada,Engines\n", kind="customers")
    with transaction.atomic():
        erase_customer(actor=CLERK, customer=Customer.objects.get(), name="Ada")
        note = str(ImportedRecord.objects.values().get())
    assert not any(word in note for word in ("ada@", "Ada", "Engines"))
