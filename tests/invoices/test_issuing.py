"""The verbs of documents."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from tenant_apps.invoices.crediting import Left, LineCredit, credit_all, credit_amount, credit_lines, left_of
from tenant_apps.invoices.errors import (
    AlreadyInvoiced,
    CreditTooHigh,
    NotCreditable,
    NotInvoiceable,
    SellerIncomplete,
)
from tenant_apps.invoices.models import Invoice, InvoiceCounter, Seller
from tenant_apps.invoices.sellers import seller, update_seller
from tenant_apps.invoices.services import issue_credit_note, issue_invoice, left_to_credit, surplus_of
from tenant_apps.orders.customers.addresses import add_address
from tenant_apps.orders.customers.erasing import erase_customer
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.editing import edit_order
from tenant_apps.orders.payments.services import refund_order
from tenant_apps.orders.services import cancel_order, fulfil_order, pay_order
from tenants.context import Tenant, unit_of_work
from tenants.errors import Invalid
from tests.invoices.builders import a_seller, an_invoice
from tests.orders.builders import a_draft, a_paid_order, a_placed_order, lines
from tests.products.builders import CLERK, a_product
from tests.races import Aborted, at_once, kinds


@pytest.fixture(autouse=True)
def quiet_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens: what would be sent is dropped."""
    monkeypatch.setattr("tenant_apps.invoices.tasks.make_invoice_file.delay", lambda invoice_id: None)


# Issuing


def test_an_invoice_keeps_what_it_says(inside):
    customer = create_customer(actor=CLERK, name="Ada", vat_id="IT12345", language="de-AT")
    add_address(actor=CLERK, customer=customer, line1="Via Po 1", city="Torino", country="IT")
    invoice = an_invoice(a_placed_order(customer=customer))
    year = invoice.issued_at.year
    assert (invoice.code, invoice.year, invoice.number) == (f"INV-{year}-0001", year, 1)
    assert (invoice.total, invoice.currency, invoice.language) == (Decimal("19.00"), "GBP", "de")
    kept = invoice.snapshot
    assert kept["seller"]["legal_name"] == "Acme Ltd"
    assert kept["buyer"] == {
        "name": "Ada",
        "line1": "Via Po 1",
        "city": "Torino",
        "country": "IT",
        "vat_id": "IT12345",
    }
    assert [(line["quantity"], line["gross"]) for line in kept["lines"]] == [(2, "19.00")]
    due = datetime.fromisoformat(kept["due_on"]) - datetime.fromisoformat(kept["issued_on"])
    assert due == timedelta(days=14)
    update_seller(actor=CLERK, legal_name="Other Ltd")
    assert Invoice.objects.get().snapshot == kept


def test_only_what_was_placed_and_not_invoiced_is_invoiced(inside):
    with pytest.raises(SellerIncomplete) as refusal:
        issue_invoice(actor=CLERK, order=a_placed_order())
    assert refusal.value.data["missing"] == ["legal_name", "line1", "city", "country"]
    a_seller()
    for order in (a_draft(), cancel_order(actor=CLERK, order=a_placed_order())):
        with pytest.raises(NotInvoiceable):
            issue_invoice(actor=CLERK, order=order)
    invoice = an_invoice()
    with pytest.raises(AlreadyInvoiced, match=invoice.code):
        issue_invoice(actor=CLERK, order=invoice.order)
    issue_credit_note(actor=CLERK, invoice=invoice)
    assert issue_invoice(actor=CLERK, order=invoice.order).number == 2


def test_documents_have_no_gap_although_every_tenth_issue_is_aborted(acme: Tenant):
    with unit_of_work(acme):
        a_seller()
        product = a_product(opening_stock=1_000)
        orders = [a_placed_order((product, 1)) for _ in range(50)]

    def issue(turn: int) -> Callable[[], Any]:
        def job() -> int:
            invoice = issue_invoice(actor=CLERK, order=orders[turn])
            if turn % 10 == 0:
                raise Aborted
            return invoice.number

        return job

    assert kinds(at_once(acme, [issue(turn) for turn in range(50)])) == {"int": 45, "Aborted": 5}
    with unit_of_work(acme):
        issued = list(Invoice.objects.order_by("number").values_list("number", "issued_at"))
        assert [number for number, _ in issued] == list(range(1, 46))
        assert [at for _, at in issued] == sorted(at for _, at in issued)
        assert InvoiceCounter.objects.get().last == 45


def test_of_two_clerks_who_invoice_or_credit_at_once_one_wins(acme: Tenant):
    with unit_of_work(acme):
        a_seller()
        order = a_placed_order()
    issue = partial(issue_invoice, actor=CLERK, order=order)
    results = at_once(acme, [issue] * 2, together=True)
    assert kinds(results) == {"Invoice": 1, "AlreadyInvoiced": 1}
    (invoice,) = (result for result in results if isinstance(result, Invoice))
    credit = partial(issue_credit_note, actor=CLERK, invoice=invoice, amount=Decimal(10))
    assert kinds(at_once(acme, [credit] * 3, together=True)) == {"Invoice": 1, "CreditTooHigh": 2}


def test_numbers_begin_anew_each_year_of_the_tenants_zone(inside, monkeypatch):
    monkeypatch.setattr("tenants.formats.tenant_zone", lambda: ZoneInfo("Asia/Tokyo"))
    codes = []
    # New Year in Tokyo is at 15:00 UTC of the day before.
    for now in (datetime(2026, 12, 31, 14, 59, tzinfo=UTC), datetime(2026, 12, 31, 15, 0, tzinfo=UTC)):
        monkeypatch.setattr("tenant_apps.invoices.services.timezone.now", lambda now=now: now)
        codes.append(an_invoice().code)
    assert codes == ["INV-2026-0001", "INV-2027-0001"]


def test_nobody_changes_or_deletes_a_document(inside):
    invoice = an_invoice()
    for statement in (
        lambda: Invoice.objects.update(total=1),
        lambda: Invoice.objects.filter(pk=invoice.pk)._raw_delete("default"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            statement()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.create(
            kind="credit_note", year=1, number=1, code="X", order=invoice.order, currency="GBP", total=1,
            language="en", issued_at=invoice.issued_at, snapshot={},
        )  # fmt: skip


@pytest.mark.parametrize("issuing", Seller.Issuing.values)
def test_invoices_are_issued_when_the_seller_wants_it(inside, issuing):
    a_seller(issuing=issuing)
    order = pay_order(actor=CLERK, order=a_placed_order())
    assert Invoice.objects.count() == (issuing == "when_paid")
    fulfil_order(actor=CLERK, order=order)
    assert Invoice.objects.count() == (issuing != "on_request")


def test_money_that_goes_back_is_credited_by_itself_where_invoices_are_issued_so(inside):
    a_seller(issuing="when_paid")
    mug = a_product(price=Decimal(10), opening_stock=9)
    order = a_paid_order((mug, 4))
    invoice = Invoice.objects.get()
    edit_order(actor=CLERK, order=order, lines=lines((mug, 3)))
    order = refund_order(actor=CLERK, order=order)
    (note,) = Invoice.objects.credit_notes()
    assert (note.invoice, note.total, left_to_credit(invoice)) == (invoice, Decimal(10), order.total)
    refund_order(actor=CLERK, order=order, amount=Decimal(2))
    assert Invoice.objects.credit_notes().count() == 1  # the money is owed again: nothing has left
    order = fulfil_order(actor=CLERK, order=pay_order(actor=CLERK, order=order))
    order = refund_order(actor=CLERK, order=order, amount=Decimal("0.50"))
    assert left_to_credit(invoice) == order.kept_total == Decimal("29.50")


def test_where_documents_are_asked_for_the_credit_is_offered(inside):
    order = fulfil_order(actor=CLERK, order=a_paid_order())
    invoice = an_invoice(order)
    order = refund_order(actor=CLERK, order=order, amount=Decimal(5))
    assert not Invoice.objects.credit_notes()
    assert surplus_of(invoice, order) == Decimal(5)
    issue_credit_note(actor=CLERK, invoice=invoice, amount=Decimal(5))
    assert surplus_of(invoice, order) == 0


def test_a_seller_who_is_not_complete_cannot_have_invoices_issued(inside):
    with pytest.raises(SellerIncomplete):
        update_seller(actor=CLERK, issuing="when_paid")
    with pytest.raises(IntegrityError), transaction.atomic():
        Seller.objects.update(issuing="when_paid")
    a_seller(issuing="when_paid")
    with pytest.raises(SellerIncomplete):
        update_seller(actor=CLERK, city="")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "Britain"),
        ("invoice_prefix", "a b"),
        ("credit_note_prefix", "INV-"),
        ("payment_days", 366),
        ("footer", "x" * 1_001),
        ("vat_id", "?"),
    ],
)
def test_sellers_data_are_checked(inside, field, value):
    with pytest.raises(Invalid) as refusal:
        update_seller(actor=CLERK, **{field: value})
    assert (refusal.value.field, seller().invoice_prefix) == (field, "INV-")


def test_an_erased_customer_stays_on_the_documents(inside):
    customer = create_customer(actor=CLERK, name="Ada")
    invoice = an_invoice(a_placed_order(customer=customer))
    assert erase_customer(actor=CLERK, customer=customer, name="Ada").kept == {"orders": 1, "invoices": 1}
    assert Invoice.objects.get(pk=invoice.pk).snapshot["buyer"]["name"] == "Ada"


# Crediting


def test_an_invoice_is_credited_in_parts_and_never_beyond_its_total(inside):
    product, tray = a_product(opening_stock=9), a_product(price=Decimal("0.10"), opening_stock=9)
    invoice = an_invoice(a_placed_order((product, 3), (tray, 1)))
    one = issue_credit_note(actor=CLERK, invoice=invoice, lines=[LineCredit(1, 1)], reason="Chipped")
    assert (one.code, one.total, one.invoice) == (f"CN-{one.year}-0001", Decimal("9.50"), invoice)
    assert one.snapshot["credits"]["code"] == invoice.code
    with pytest.raises(CreditTooHigh) as refusal:
        issue_credit_note(actor=CLERK, invoice=invoice, lines=[LineCredit(1, 3)])
    assert refusal.value.field == "lines"
    with pytest.raises(CreditTooHigh) as refusal:
        issue_credit_note(actor=CLERK, invoice=invoice, amount=Decimal("19.11"))
    assert refusal.value.data["left"] == "19.10"
    assert issue_credit_note(actor=CLERK, invoice=invoice, amount=Decimal("0.60")).total == Decimal("0.60")
    assert issue_credit_note(actor=CLERK, invoice=invoice).total == Decimal("18.50")
    assert left_to_credit(invoice) == 0
    with pytest.raises(CreditTooHigh):
        issue_credit_note(actor=CLERK, invoice=invoice)
    with pytest.raises(NotCreditable):
        issue_credit_note(actor=CLERK, invoice=one)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal("0.001")},
        {"lines": [LineCredit(9, 1)]},
        {"amount": Decimal(1), "lines": [LineCredit(1, 1)]},
    ],
)
def test_a_credit_that_is_none_is_refused(inside, wrong):
    with pytest.raises(Invalid):
        issue_credit_note(actor=CLERK, invoice=an_invoice(), **wrong)


def taxed() -> Invoice:
    """An invoice over two tax rates, that nobody has to store."""
    lines = [
        {"position": 1, "sku": "A", "description": "A", "quantity": 3, "tax_rate": "20", "gross": "100.00"},
        {"position": 2, "sku": "B", "description": "B", "quantity": 1, "tax_rate": "5", "gross": "10.01"},
    ]
    taxes = [
        {"rate": "5", "net": "9.53", "tax": "0.48"},
        {"rate": "20", "net": "83.33", "tax": "16.67"},
    ]
    return Invoice(code="T-1", currency="GBP", snapshot={"lines": lines, "taxes": taxes})


def credited(figures: dict[str, Any]) -> Invoice:
    return Invoice(snapshot=figures)


def test_credits_of_any_cut_settle_each_rate_to_the_cent():
    invoice, notes = taxed(), list[Invoice]()
    for amount in ("0.01", "33.33", "33.33", "0.02", "40.00"):
        left = left_of(invoice, notes)
        figures = credit_amount(invoice, left, Decimal(amount), "")
        assert Decimal(figures["total"]) == Decimal(amount)
        assert Decimal(figures["net"]) + Decimal(figures["tax"]) == Decimal(amount)
        notes.append(credited(figures))
    notes.append(credited(credit_all(invoice, notes, "")))
    assert left_of(invoice, notes) == dict.fromkeys((Decimal(5), Decimal(20)), Left(Decimal(0), Decimal(0)))


def test_pieces_of_a_line_add_up_to_the_line():
    invoice, notes = taxed(), list[Invoice]()
    for _ in range(3):
        left = left_of(invoice, notes)
        notes.append(credited(credit_lines(invoice, notes, left, [LineCredit(1, 1)])))
    assert [note.snapshot["total"] for note in notes] == ["33.33", "33.34", "33.33"]
    assert left_of(invoice, notes)[Decimal(20)] == Left(Decimal(0), Decimal(0))
