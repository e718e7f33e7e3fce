"""Invoices: use gets onto them in time, they are mirrored, and people learn what they have to do about them."""

from typing import Any, Final

from billing.accounts import letters
from billing.accounts.cases import open_case
from billing.accounts.projecting import refresh_invoice, refresh_subscription
from billing.accounts.reading import moment
from billing.handlers.events import Object, customer_of, fetched, on
from billing.models import Customer, StripeInvoice
from billing.outbox.flushing import bring_use, fill_draft, missing
from billing.stripe.client import account
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
    if invoice.status == Status.PAID and letters.was_written(f"unpaid:{invoice.stripe_id}:"):
        key = f"payment_recovered:{invoice.stripe_id}"
        _write("payment_recovered", invoice, key, money(invoice.amount_paid, invoice.currency))


@on("invoice.payment_failed", "invoice.payment_action_required")
def tell_failure(event: Event) -> None:
    """A charge was refused, or the bank wants proof, which Stripe tells as both: one letter for each attempt.

    The owners learn what happened, when it is tried again, and where to pay or to prove who they are.
    """
    invoice = _followed(event)
    if invoice.status == Status.OPEN and invoice.attempts:
        intents = _intents(invoice)
        wants_proof = any(intent["status"] == "requires_action" for intent in intents)
        kind = "payment_action" if wants_proof else "payment_failed"
        _write(kind, invoice, f"unpaid:{invoice.stripe_id}:{invoice.attempts}", why=_why(intents))


@on("invoice.overdue")
def remind(event: Event) -> None:
    """An invoice that was sent has not been paid in time."""
    invoice = _followed(event)
    if invoice.status == Status.OPEN and invoice.due_at is not None:
        _write("invoice_overdue", invoice, f"invoice_overdue:{invoice.stripe_id}")


def _followed(event: Event) -> StripeInvoice:
    """The invoice as it stands, and the subscription after it: its access follows from the payment."""
    invoice = refresh_invoice(event.object_id)
    if invoice.subscription:
        refresh_subscription(invoice.subscription)
    return invoice


def _intents(invoice: StripeInvoice) -> list[Object]:
    """What was tried to have it paid."""
    wanted = {"invoice": invoice.stripe_id}
    rows = account().read_all(lambda client: client.v1.invoice_payments.list, params=wanted)
    names = [name for row in rows if (name := row.to_dict()["payment"].get("payment_intent"))]
    return [fetched(lambda client: client.v1.payment_intents.retrieve, str(name)) for name in names]


def _why(intents: list[Object]) -> str:
    """What the bank has said, in Stripe's words for customers."""
    errors = [intent["last_payment_error"] for intent in intents if intent["last_payment_error"]]
    return str(errors[-1].get("message") or "") if errors else ""


def _write(kind: str, invoice: StripeInvoice, key: str, amount: str = "", why: str = "") -> None:
    customer = Customer.objects.get(tenant=invoice.tenant)
    facts: dict[str, Any] = {
        "amount": amount or money(invoice.amount_remaining, invoice.currency),
        "number": invoice.number,
        "card": letters.card_of(customer),
        "next_attempt": letters.on(invoice.next_attempt_at),
        "due": letters.on(invoice.due_at),
        "pay": invoice.hosted_url,
        "why": why,
    }
    letters.write(kind=kind, key=key, tenant=invoice.tenant, facts=facts)


def _named(invoice: StripeInvoice) -> str:
    return f"Invoice {invoice.number or invoice.stripe_id} of {money(invoice.total, invoice.currency)}"
