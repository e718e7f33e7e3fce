"""Money that goes back or is fought about: an entry beside its invoice, and a case where a person has to act."""

from billing.accounts.cases import open_case
from billing.accounts.projecting import held, project_invoice
from billing.accounts.reading import moment
from billing.handlers.events import Object, customer_named, fetched, on
from billing.models import MoneyBack
from billing.pricing.money import amount_of
from billing.stripe.client import account
from shared_apps.inbox.registry import Event, Ignored
from tenants.formats import money

Kind = MoneyBack.Kind


@on("refund.created", "refund.updated", "refund.failed")
def refund(event: Event) -> None:
    """A refund, and whether it has arrived."""
    found = fetched(lambda client: client.v1.refunds.retrieve, event.object_id)
    _note_refunds(_charge(found["charge"]), [event.object_id])


@on("charge.refunded")
def charge(event: Event) -> None:
    """All refunds of a charge."""
    rows = account().read_all(lambda client: client.v1.refunds.list, params={"charge": event.object_id})
    _note_refunds(_charge(event.object_id), [row.id for row in rows])


@on("credit_note.created", "credit_note.updated", "credit_note.voided")
def credit_note(event: Event) -> None:
    """Less to pay on an invoice, or something given back for it."""
    known = fetched(lambda client: client.v1.credit_notes.retrieve, event.object_id)
    with held(stripe_id=customer_named(known["customer"]).stripe_id) as customer:
        found = fetched(lambda client: client.v1.credit_notes.retrieve, event.object_id)
        _keep(Kind.CREDIT_NOTE, customer.tenant, found, invoice=found["invoice"], charge="")
        project_invoice(customer, found["invoice"])


@on(
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
)
def dispute(event: Event) -> None:
    """A customer wants a payment back from the bank: a person has to answer in time."""
    known = fetched(lambda client: client.v1.disputes.retrieve, event.object_id)
    paid = _charge(known["charge"])
    with held(stripe_id=customer_named(paid["customer"]).stripe_id) as customer:
        found = fetched(lambda client: client.v1.disputes.retrieve, event.object_id)
        entry = _keep(Kind.DISPUTE, customer.tenant, found, invoice=_invoice_of(paid), charge=paid["id"])
        text = (
            f"{_amount(entry)} of {entry.invoice or paid['id']} is disputed ({entry.reason}): {entry.status}."
        )
        if due := (found["evidence_details"] or {}).get("due_by"):
            text += f" Evidence is due by {moment(due):%Y-%m-%d %H:%M} UTC."
        open_case(kind="dispute", tenant=customer.tenant, object_id=event.object_id, text=text)


@on("radar.early_fraud_warning.created", "radar.early_fraud_warning.updated")
def fraud_warning(event: Event) -> None:
    """A bank thinks that a card was stolen: giving the money back now costs less than the dispute that follows."""
    found = fetched(lambda client: client.v1.radar.early_fraud_warnings.retrieve, event.object_id)
    paid = _charge(found["charge"])
    customer = customer_named(paid["customer"])
    shown = money(amount_of(paid["amount"], paid["currency"]), paid["currency"].upper())
    still = "" if found["actionable"] else " Nothing can be done about it any more."
    text = f"The charge {paid['id']} of {shown} may be fraud: {found['fraud_type']}.{still}"
    open_case(kind="early_fraud_warning", tenant=customer.tenant, object_id=event.object_id, text=text)


def _note_refunds(paid: Object, refunds: list[str]) -> None:
    with held(stripe_id=customer_named(paid["customer"]).stripe_id) as customer:
        invoice = _invoice_of(paid)
        for name in refunds:
            found = fetched(lambda client: client.v1.refunds.retrieve, name)
            entry = _keep(Kind.REFUND, customer.tenant, found, invoice=invoice, charge=paid["id"])
            if entry.status == "failed":
                why = found["failure_reason"] or "no reason given"
                text = f"A refund of {_amount(entry)} for {invoice or paid['id']} has failed: {why}."
                open_case(kind="refund_failed", tenant=customer.tenant, object_id=name, text=text)
        if invoice:
            project_invoice(customer, invoice)


def _keep(kind: str, tenant: str, found: Object, *, invoice: str, charge: str) -> MoneyBack:
    values = {
        "kind": kind,
        "tenant": tenant,
        "invoice": invoice,
        "charge": charge,
        "amount": amount_of(found["amount"], found["currency"]),
        "currency": found["currency"].upper(),
        "status": found["status"] or "",
        "reason": found["reason"] or "",
        "happened_at": moment(found["created"]),
    }
    return MoneyBack.objects.update_or_create(stripe_id=found["id"], defaults=values)[0]


def _charge(name: str | None) -> Object:
    if not name:
        raise Ignored("It is about no charge.")
    return fetched(lambda client: client.v1.charges.retrieve, name)


def _invoice_of(paid: Object) -> str:
    """The invoice that a charge has paid, if it is for one."""
    if not paid["payment_intent"]:
        return ""
    wanted = {"payment": {"type": "payment_intent", "payment_intent": paid["payment_intent"]}}
    rows = account().read_all(lambda client: client.v1.invoice_payments.list, params=wanted)
    return next((str(row.invoice) for row in rows), "")


def _amount(entry: MoneyBack) -> str:
    return money(entry.amount, entry.currency)
