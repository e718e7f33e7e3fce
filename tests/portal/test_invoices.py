"""Pages of invoices, and the settings of the seller."""

from decimal import Decimal

from tenant_apps.invoices.filing import make_file
from tenant_apps.invoices.models import Invoice
from tenants.context import tenant_context, unit_of_work
from tests.invoices.builders import an_invoice
from tests.orders.builders import a_placed_order


def test_an_order_is_invoiced_by_its_button_and_credited_by_a_dialog(browser, acme, shop, monkeypatch):
    monkeypatch.setattr("tenant_apps.invoices.filing.pdf_of", lambda invoice: b"%PDF-")
    page = browser.get(shop.path("/orders/{paid}/")).content.decode()
    assert "Issue invoice" in page
    answer = browser.post(shop.path("/orders/invoices/issue/{paid}/"), follow=True)
    assert "The invoice is issued." in answer.content.decode()
    with unit_of_work(acme):
        invoice = Invoice.objects.get(order=shop.paid)
    with tenant_context(acme):
        make_file(invoice.pk)
    page = browser.get(shop.path("/orders/{paid}/")).content.decode()
    assert "Issue invoice" not in page
    assert f'PDF<span class="hidden-visually"> of {invoice.code}' in page
    pdf = browser.get(f"/orders/invoices/{invoice.pk}/pdf/")
    assert browser.get(pdf["Location"])["Content-Type"] == "application/pdf"
    credit = f"/orders/invoices/{invoice.pk}/credit/"
    assert browser.post(credit, {"amount": "99.00"}).status_code == 422
    note = browser.post(credit, {"amount": "9.50", "reason": "Chipped"}, follow=True).content.decode()
    for word in ("Credit note CN-", "Chipped", "−£9.50", invoice.code):
        assert word in note, word
    assert "£9.50 by" in browser.get(f"/orders/invoices/{invoice.pk}/").content.decode()


def test_the_list_is_narrowed_by_kind_customer_and_number(browser, shop):
    for query, found in (("", 1), ("?kind=credit_note", 0), ("?q=inv-", 1), ("?q=nothing", 0)):
        page = browser.get(f"/orders/invoices/{query}").content.decode()
        assert page.count('class="row-link"') == found, query
    assert (
        shop.invoice.code in browser.get(shop.path("/orders/invoices/?customer={customer}")).content.decode()
    )


def test_the_seller_is_kept_and_what_is_wrong_stands_at_its_field(browser, acme, shop):
    fields = {"legal_name": "Acme & Sons", "line1": "1 Quay St", "city": "Bristol", "country": "GB"}
    fields |= {
        "invoice_prefix": "A-",
        "credit_note_prefix": "B-",
        "payment_days": "30",
        "issuing": "when_paid",
    }
    answer = browser.post("/settings/invoices/", fields, follow=True)
    assert "Acme &amp; Sons" in answer.content.decode()
    wrong = browser.post("/settings/invoices/", fields | {"credit_note_prefix": "A-"})
    assert wrong.status_code == 422
    assert "need prefixes that differ" in wrong.content.decode()


def test_who_has_not_said_who_sells_is_led_there_and_the_page_shows_the_way_to_the_total(browser, acme):
    with unit_of_work(acme):
        order = a_placed_order(discount_kind="amount", discount_value=Decimal(3), discount_reason="Chipped")
    led = browser.post(f"/orders/invoices/issue/{order.pk}/", follow=True)
    assert led.request["PATH_INFO"] == "/settings/invoices/"
    assert "Say first who sells" in led.content.decode()
    with unit_of_work(acme):
        invoice = an_invoice(order)
    page = browser.get(f"/orders/invoices/{invoice.pk}/").content.decode()
    for word in ("Subtotal", "£19.00", "Discount: Chipped", "−£3.00", "£16.00", "The PDF is being made"):
        assert word in page, word
    part = browser.get(f"/orders/invoices/{invoice.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in part
    assert "<html" not in part
