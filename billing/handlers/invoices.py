"""Invoices: use gets onto them in time, they are mirrored, and people learn what they have to do about them."""

from typing import Any, Final

from billing import letters
from billing.cases import open_case
from billing.flushing import bring_use, fill_draft, missing
from billing.handlers.events import customer_of, fetched, on
from billing.models import Customer, StripeInvoice
from billing.projecting import moment, refresh_invoice, refresh_subscription
from shared_apps.inbox.registry import Event
from tenants.formats import money

Status = StripeInvoice.Status
CYCLE: Final = "subscription_cycle"


@on("invoice.upcoming")
def look_ahead(event: Event) -> None:
    """Days before an invoice: whatever waits for Stripe goes out now. It has no id yet."""
    bring_use(customer_of(event).tenant)


@on("invoice.created")
def fill(event: Event) -> None:
    """The last hour in which use counts: all of it is brought, or the event is tried again."""
    customer = customer_of(event)
    found = fetched(lambda client: client.v1.invoices.retrieve, event.object_id)
    if found["status"] == Status.DRAFT and found["billing_reason"] == CYCLE:
        fill_draft(customer, invoice=event.object_id, before=moment(found["period_end"]))
    refresh_invoice(event.object_id)


@on("invoice.finalized")
def close(event: Event) -> None:
    """It has its last figures: what is missing on it is a case for a person, and comes with the next one."""
    invoice = _followed(event)
    if invoice.reason == CYCLE and (count := missing(invoice.tenant, invoice.period_end)):
        text = (
            f"{count} messages about use had not reached Stripe when {invoice} became final. What has never been tried "
            "comes with the next invoice by itself; see the usage outbox for the rest."
        )
        open_case(kind="late_usage", tenant=invoice.tenant, object_id=invoice.stripe_id, text=text)


@on("invoice.updated", "invoice.voided", "invoice.sent", "invoice.deleted")
def follow(event: Event) -> None:
    """Take over how it stands."""
    _followed(event)


@on("invoice.finalization_failed")
def report_failure(event: Event) -> None:
    """Stripe cannot make it final, so nobody is asked to pay: a person has to mend what it names."""
    invoice = _followed(event)
    if invoice.status == Status.DRAFT:
        text = f"{_named(invoice)} cannot be finalized: {invoice.error or 'Stripe gives no reason'}."
        open_case(kind="finalization_failed", tenant=invoice.tenant, object_id=invoice.stripe_id, text=text)


@on("invoice.marked_uncollectible")
def give_up(event: Event) -> None:
    """It will not be paid any more."""
    invoice = _followed(event)
    if invoice.status == Status.UNCOLLECTIBLE:
        owed = money(invoice.amount_remaining, invoice.currency)
        text = f"{_named(invoice)} was given up; {owed} are lost."
        open_case(kind="uncollectible", tenant=invoice.tenant, object_id=invoice.stripe_id, text=text)


@on("invoice.paid")
def thank(event: Event) -> None:
    """Paid; who had been written to about it is thanked."""
    invoice = _followed(event)
    asked = letters.was_written(
        f"payment_failed:{invoice.stripe_id}:", f"payment_action:{invoice.stripe_id}:"
    )
    if invoice.status == Status.PAID and asked:
        _write(
            "payment_recovered", invoice, f"{invoice.stripe_id}", money(invoice.amount_paid, invoice.currency)
        )


@on("invoice.payment_failed")
def tell_failure(event: Event) -> None:
    """A charge was refused: the owners learn what happened, when it is tried again, and where to pay."""
    invoice = _followed(event)
    if invoice.status == Status.OPEN and invoice.attempts:
        _write("payment_failed", invoice, f"{invoice.stripe_id}:{invoice.attempts}")


@on("invoice.payment_action_required")
def ask_for_proof(event: Event) -> None:
    """The bank wants its customer to prove who they are."""
    invoice = _followed(event)
    if invoice.status == Status.OPEN:
        _write("payment_action", invoice, f"{invoice.stripe_id}:{invoice.attempts}")


@on("invoice.overdue")
def remind(event: Event) -> None:
    """An invoice that was sent has not been paid in time."""
    invoice = _followed(event)
    if invoice.status == Status.OPEN and invoice.due_at is not None:
        _write("invoice_overdue", invoice, invoice.stripe_id)


def _followed(event: Event) -> StripeInvoice:
    """The invoice as it stands, and the subscription after it: its access follows from the payment."""
    invoice = refresh_invoice(event.object_id)
    if invoice.subscription:
        refresh_subscription(invoice.subscription)
    return invoice


def _write(kind: str, invoice: StripeInvoice, about: str, amount: str = "") -> None:
    customer = Customer.objects.get(tenant=invoice.tenant)
    facts: dict[str, Any] = {
        "amount": amount or money(invoice.amount_remaining, invoice.currency),
        "number": invoice.number,
        "card": letters.card_of(customer),
        "next_attempt": letters.on(invoice.next_attempt_at),
        "due": letters.on(invoice.due_at),
        "pay": invoice.hosted_url,
    }
    letters.write(kind=kind, key=f"{kind}:{about}", tenant=invoice.tenant, facts=facts)


def _named(invoice: StripeInvoice) -> str:
    return f"Invoice {invoice.number or invoice.stripe_id} of {money(invoice.total, invoice.currency)}"
