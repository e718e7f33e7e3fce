"""The PDF of a document, made in the worker."""

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tenant_apps.invoices.documents import html_of, laid_out
from tenant_apps.invoices.errors import FileNotReady
from tenant_apps.invoices.filing import Download, make_file, unfinished_files
from tenant_apps.invoices.models import Invoice, InvoiceFile
from tenant_apps.invoices.services import issue_credit_note, make_file_again
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.taxes.services import create_tax_rule
from tenants.context import Tenant, tenant_context, unit_of_work
from tests.invoices.builders import a_seller, an_invoice
from tests.orders.builders import a_placed_order
from tests.products.builders import CLERK, a_product


@pytest.fixture(autouse=True)
def messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the worker; files vanish with the test."""
    monkeypatch.setattr(settings, "MEDIA_ROOT", tmp_path)
    sent: list[str] = []
    monkeypatch.setattr("tenant_apps.invoices.tasks.make_invoice_file.delay", sent.append)
    return sent


def text_of(pages: Any) -> str:
    """What stands on laid out pages, read from the boxes that become the PDF."""
    boxes = (box for page in pages.pages for box in page._page_box.descendants())
    return "\n".join(box.text for box in boxes if hasattr(box, "text"))


def test_the_worker_makes_the_file_and_a_signed_link_leads_to_it(acme, messages, client_of):
    with unit_of_work(acme):
        invoice = an_invoice()
        with pytest.raises(FileNotReady):
            Download.of(invoice)
    assert messages == [str(invoice.pk)]
    with tenant_context(acme):
        make_file(invoice.pk)
        make_file(invoice.pk)
    with unit_of_work(acme):
        download = Download.of(Invoice.objects.get(pk=invoice.pk))
    answer = client_of(acme).get(download.url)
    pdf = b"".join(answer.streaming_content)
    assert pdf.startswith(b"%PDF")
    assert (len(pdf), hashlib.sha256(pdf).hexdigest()) == (download.size, download.sha256)
    assert f'filename="{invoice.code}.pdf"' in answer["Content-Disposition"]
    assert len(list(Path(settings.MEDIA_ROOT).rglob("*.pdf"))) == 1


def test_the_pages_say_what_was_kept_in_the_customers_language(inside):
    a_seller(vat_id="GB123456789", footer="IBAN GB00 1\nThank you")
    customer = create_customer(actor=CLERK, name="Ada <b>", company="Engines", language="de")
    add_address(actor=CLERK, customer=customer, line1="Via Po 1", city="Torino", country="IT")
    product = a_product(price=Decimal("1234.5"), opening_stock=9, name="Jug")
    invoice = an_invoice(a_placed_order((product, 2), customer=customer))
    text = text_of(laid_out(invoice))
    for word in (
        "Rechnung",
        invoice.code,
        "Engines",
        "Ada <b>",
        "Italy",
        "Jug",
        "2.469,00",
        "Acme Ltd",
        "Thank you",
    ):
        assert word in text, word
    assert "GB123456789" in text
    note = text_of(laid_out(issue_credit_note(actor=CLERK, invoice=invoice, reason="Zerbrochen")))
    for word in ("Gutschrift", invoice.code, "Zerbrochen", "\N{MINUS SIGN}2.469,00"):
        assert word in note, word


def test_a_long_document_has_numbered_pages(inside):
    product = a_product(opening_stock=1_000)
    pages = laid_out(an_invoice(a_placed_order(*[(product, 1)] * 60)))
    assert len(pages.pages) == 3
    assert "Page 3 of 3" in text_of(pages)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.png", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_nothing_is_fetched_for_a_document(inside, monkeypatch, url):
    html = html_of(an_invoice())
    monkeypatch.setattr(
        "tenant_apps.invoices.documents.html_of",
        lambda invoice: html.replace(
            "</body>", f'<img src="{url}"><link rel=stylesheet href="{url}"></body>'
        ),
    )
    opened: list[Any] = []
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda *args, **kwargs: opened.append(args))
    assert laid_out(Invoice.objects.get()).pages
    assert opened == []


def test_what_fails_is_told_and_made_again(acme: Tenant, messages, monkeypatch):
    with unit_of_work(acme):
        invoice = an_invoice()
    with monkeypatch.context() as broken, tenant_context(acme):
        broken.setattr("tenant_apps.invoices.filing.pdf_of", lambda invoice: 1 / 0)
        make_file(invoice.pk)
    with unit_of_work(acme):
        file = InvoiceFile.objects.get()
        assert (file.state, file.attempts) == ("failed", 1)
        assert "ZeroDivisionError" in file.error
        assert unfinished_files(timezone.now()) == []
        assert unfinished_files(timezone.now() + timedelta(minutes=3)) == [invoice.pk]
        InvoiceFile.objects.update(state="failed", attempts=5)
        assert unfinished_files(timezone.now() + timedelta(minutes=9)) == []
        assert make_file_again(actor=CLERK, invoice=invoice).file.state == "queued"
    assert len(messages) == 2


def test_a_taxed_order_with_discount_and_delivery_adds_up_on_its_pdf_to_the_cent(inside):
    """Read back from the boxes of the page: 7 x 3.33 and 2 x 19.99, 10 % off, and 4.95 for delivery."""
    a_seller(vat_id="GB123456789")
    for name, rate, tax_class in (("Standard", "20", "standard"), ("Reduced", "5", "reduced")):
        create_tax_rule(actor=CLERK, name=name, rate=Decimal(rate), tax_class=tax_class, country="GB")
    cup = a_product(name="Cup", price=Decimal("3.33"), opening_stock=9, tax_class="standard")
    seat = a_product(name="Seat", price=Decimal("19.99"), opening_stock=9, tax_class="reduced")
    terms: Any = {
        "discount_kind": "percent",
        "discount_value": Decimal(10),
        "shipping_total": Decimal("4.95"),
    }
    order = a_placed_order((cup, 7), (seat, 2), tax_country="GB", shipping_description="Parcel", **terms)
    text = text_of(laid_out(an_invoice(order)))
    subtotal, off = Decimal("63.29"), Decimal("6.33")
    net = subtotal - off + Decimal("4.95")
    told = order.breakdown()
    assert (told.subtotal, told.discount, told.net) == (subtotal, off, net)
    assert sum(part.tax for part in told.taxes) == told.tax == told.total - net
    for part in told.taxes:
        assert abs(part.net * part.tax_rate / 100 - part.tax) <= Decimal("0.005")
    amounts = [subtotal, off, net, told.tax, told.total, *(line.amount for line in told.lines)]
    amounts += [amount for part in told.taxes if part.tax for amount in (part.net, part.tax)]
    missing = [amount for amount in amounts if f"£{amount}" not in text]
    assert not missing, text
