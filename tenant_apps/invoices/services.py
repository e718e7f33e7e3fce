"""The verbs of documents: issue an invoice, credit it, make its PDF again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone

from tenant_apps.invoices.crediting import LineCredit, credit_all, credit_amount, credit_lines, left_of
from tenant_apps.invoices.errors import AlreadyInvoiced, CreditTooHigh, NotCreditable, NotInvoiceable
from tenant_apps.invoices.figures import figures_of
from tenant_apps.invoices.models import Invoice, InvoiceFile, Seller
from tenant_apps.invoices.sellers import require_complete, seller
from tenant_apps.invoices.words import language_for
from tenant_apps.orders.models import Customer, Order
from tenant_apps.products.writing import clean_line, clean_price, locked
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid
from tenants.formats import local
from tenants.models import uuid7

SOLD_BY: Final = (
    "legal_name",
    "line1",
    "line2",
    "postal_code",
    "city",
    "region",
    "country",
    "vat_id",
    "email",
    "phone",
    "footer",
)


@transaction.atomic
def issue_invoice(*, actor: Actor, order: Order) -> Invoice:
    """Issue the invoice of a placed order. It is never changed: a mistake is credited, and another one issued."""
    # The order's lock settles who issues and credits: rows of invoices cannot be locked, as nobody may update them.
    order = locked(order)
    _refuse_uninvoiceable(order)
    sold_by = seller()
    require_complete(sold_by)
    content = {**_parties(order, sold_by), **figures_of(order)}
    return _issue(actor, Invoice.Kind.INVOICE, order, content, sold_by=sold_by)


@transaction.atomic
def issue_credit_note(
    *,
    actor: Actor,
    invoice: Invoice,
    amount: Decimal | None = None,
    lines: Sequence[LineCredit] = (),
    reason: str = "",
) -> Invoice:
    """Credit an invoice: some pieces of its lines, an amount with tax, or all that is left; never more than that."""
    if invoice.is_credit_note:
        raise NotCreditable(f"{invoice.code} is a credit note itself. Credit its invoice.")
    if amount is not None and lines:
        raise Invalid("Give an amount or lines, not both.", field="lines")
    order = locked(invoice.order)
    reason = clean_line(reason, field="reason", most=200, needed=False)
    figures = _credited(invoice, amount, lines, reason)
    sold_by = seller()
    require_complete(sold_by)
    content = {
        **_parties(order, sold_by),
        "buyer": invoice.snapshot["buyer"],
        **figures,
        "credits": {"code": invoice.code, "issued_on": invoice.snapshot["issued_on"]},
        "reason": reason,
    }
    return _issue(actor, Invoice.Kind.CREDIT_NOTE, order, content, sold_by=sold_by, invoice=invoice)


@transaction.atomic
def make_file_again(*, actor: Actor, invoice: Invoice) -> Invoice:
    """Have the PDF of a document made once more after that failed."""
    again = InvoiceFile.objects.filter(invoice=invoice, state=InvoiceFile.State.FAILED).update(
        state=InvoiceFile.State.QUEUED, attempts=0, error="", updated_at=timezone.now()
    )
    if again:
        record(actor=actor, verb="invoice.file_queued", target=invoice)
        _queue(invoice)
    return Invoice.objects.with_file().get(pk=invoice.pk)


def open_invoice(order: Order) -> Invoice | None:
    """The invoice of an order that has not been credited in full, if there is one."""
    for invoice in order.invoices.invoices().order_by("-issued_at", "-pk")[:1]:
        return invoice if left_to_credit(invoice) > 0 or invoice.total == 0 else None
    return None


def left_to_credit(invoice: Invoice) -> Decimal:
    """What of an invoice has not been credited yet."""
    credited = sum((note.total for note in invoice.credit_notes.all()), Decimal(0))
    return invoice.total - credited


def surplus_of(invoice: Invoice, order: Order) -> Decimal:
    """What the invoice still claims beyond what the order brings, once money went back: it is to be credited."""
    if not order.refunded_total:
        return Decimal(0)
    return max(left_to_credit(invoice) - order.kept_total, Decimal(0))


def _refuse_uninvoiceable(order: Order) -> None:
    if order.kind != Order.Kind.SALE or order.number is None or order.status == Order.Status.CANCELLED:
        what = "a credit" if order.kind != Order.Kind.SALE else order.status
        raise NotInvoiceable(
            f"{order} is {what}; only orders that were placed and not cancelled are invoiced.",
            order_status=order.status,
        )
    if found := open_invoice(order):
        raise AlreadyInvoiced(
            f"{order} has the invoice {found.code}. Credit that in full to issue another one.",
            invoice=str(found.pk),
        )


def _credited(
    invoice: Invoice, amount: Decimal | None, lines: Sequence[LineCredit], reason: str
) -> dict[str, Any]:
    earlier = list(invoice.credit_notes.order_by("number"))
    left = left_of(invoice, earlier)
    if not any(part.gross for part in left.values()):
        raise CreditTooHigh(f"{invoice.code} has been credited in full.", left="0.00")
    if lines:
        return credit_lines(invoice, earlier, left, lines)
    if amount is None:
        return credit_all(invoice, earlier, reason)
    if clean_price(amount) <= 0:
        raise Invalid("Credit at least 0.01.", field="amount")
    return credit_amount(invoice, left, amount, reason)


def _issue(
    actor: Actor,
    kind: Invoice.Kind,
    order: Order,
    content: dict[str, Any],
    *,
    sold_by: Seller,
    invoice: Invoice | None = None,
) -> Invoice:
    language = language_for(order.customer.language if order.customer else "")
    year, number, now = _take_number(kind)
    prefix = sold_by.credit_note_prefix if invoice else sold_by.invoice_prefix
    issued_on = local(now).date()
    document = Invoice(
        kind=kind,
        year=year,
        number=number,
        code=f"{prefix}{year}-{number:04}",
        order=order,
        invoice=invoice,
        currency=order.currency,
        total=Decimal(content["total"]),
        language=language,
        issued_at=now,
        snapshot={
            **content,
            "issued_on": issued_on.isoformat(),
            "due_on": None if invoice else (issued_on + timedelta(days=sold_by.payment_days)).isoformat(),
        },
    )
    document.save(force_insert=True)
    document.file = InvoiceFile.objects.create(invoice=document)
    record(actor=actor, verb=f"{kind.value}.issued", target=document, data=_told(document))
    _queue(document)
    return document


def _take_number(kind: Invoice.Kind) -> tuple[int, int, datetime]:
    """The next number of this year in the tenant's zone, and the time behind the counter's lock.

    The row stays locked until the commit, and a rollback gives the number back: documents have no gaps, and their times
    rise with their numbers.
    """
    year = local(timezone.now()).year
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO invoices_invoicecounter AS counter (id, kind, year, last) VALUES (%s, %s, %s, 1) "
            "ON CONFLICT (kind, year) DO UPDATE SET last = counter.last + 1 RETURNING last",
            [uuid7(), kind.value, year],
        )
        (number,) = cursor.fetchone()
    now = timezone.now()
    # Whoever waited for the lock over New Year has a number of the old year, and its last moment.
    if local(now).year != year:
        now = local(now).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        now -= timedelta(microseconds=1)
    return year, number, now


def _parties(order: Order, sold_by: Seller) -> dict[str, Any]:
    """Who sells what order to whom, as it is known at this moment."""
    customer = order.customer
    placed_on = local(order.placed_at).date().isoformat() if order.placed_at else None
    return {
        "seller": {name: getattr(sold_by, name) for name in SOLD_BY},
        "buyer": _buyer(order, customer),
        "ship_to": order.shipping_address,
        "order": {
            "number": order.number,
            "placed_on": placed_on,
            "reference": order.external_reference or "",
        },
        "currency": order.currency,
    }


def _buyer(order: Order, customer: Customer | None) -> dict[str, str]:
    address = order.billing_address or {}
    known = {"name": customer.name, "company": customer.company} if customer else {}
    vat_id = {"vat_id": customer.vat_id} if customer and customer.vat_id else {}
    return {**{name: value for name, value in known.items() if value}, **address, **vat_id}


def _told(document: Invoice) -> dict[str, Any]:
    told = {
        "code": document.code,
        "number": document.number,
        "year": document.year,
        "order": str(document.order_id),
        "total": str(document.total),
        "currency": document.currency,
    }
    return told | ({"invoice": str(document.invoice_id)} if document.invoice_id else {})


def _queue(document: Invoice) -> None:
    from tenant_apps.invoices.tasks import make_invoice_file

    # If the broker is away, the sweeper sends the message as soon as it is back.
    transaction.on_commit(lambda: make_invoice_file.delay(str(document.pk)), robust=True)
