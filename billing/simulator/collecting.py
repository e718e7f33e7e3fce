"""Getting an invoice paid: the attempt, what follows from its outcome, and the attempts after that."""

from __future__ import annotations

from billing.simulator.cards import method_for
from billing.simulator.invoicing import finalize, subscription_of_invoice
from billing.simulator.payments import attempt, new_intent
from billing.simulator.refusals import Refusal
from billing.simulator.shapes import Object, blank, part
from billing.simulator.standing import after_failure, after_last_attempt, after_payment
from billing.simulator.store import new_id
from billing.simulator.world import DAY, World


def finalize_and_collect(world: World, invoice: Object) -> None:
    """The end of the hour of grace."""
    finalize(world, invoice)
    if invoice["collection_method"] == "send_invoice" and invoice["amount_due"]:
        world.plan(invoice["due_date"], "overdue", invoice)
        world.emit("invoice.sent", invoice)
        return
    if invoice["auto_advance"] or not invoice["amount_due"]:
        try_to_collect(world, invoice)


def try_to_collect(world: World, invoice: Object) -> None:
    """An attempt that nobody waits for: a failure plans the next one."""
    refusal = collect(world, invoice)
    if refusal is not None:
        _plan_next(world, invoice)


def collect(
    world: World, invoice: Object, method: str | None = None, *, proved: bool = False
) -> Refusal | None:
    """Charge what is due; answers why not, if it does not work."""
    if not invoice["amount_remaining"]:
        mark_paid(world, invoice, None)
        return None
    intent = intent_of(world, invoice)
    refusal = attempt(world, intent, method or _method_of(world, invoice), proved=proved)
    invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    if refusal is None:
        mark_paid(world, invoice, intent)
        return None
    _note_failure(world, invoice, intent)
    return refusal


def _method_of(world: World, invoice: Object) -> str | None:
    customer = world.store.get("customer", invoice["customer"])
    subscription = world.store.find("subscription", subscription_of_invoice(invoice)) or {}
    return method_for(world, customer, invoice, subscription)


def intent_of(world: World, invoice: Object) -> Object:
    """The payment intent of an invoice, made when first needed."""
    secret = world.store.secrets[invoice["id"]]
    if "intent" not in secret:
        made = new_intent(world, invoice["customer"], invoice["amount_remaining"], invoice["currency"])
        secret["intent"] = made["id"]
        world.store.secrets[made["id"]]["invoice"] = invoice["id"]
        invoice["confirmation_secret"] = {"client_secret": made["client_secret"], "type": "payment_intent"}
        _new_payment(world, invoice, made)
    return world.store.get("payment_intent", secret["intent"])


def _new_payment(world: World, invoice: Object, intent: Object) -> None:
    made = blank("invoice_payment") | {"id": new_id("inpay"), "invoice": invoice["id"], "is_default": True}
    made |= {
        "amount_requested": invoice["amount_remaining"],
        "currency": invoice["currency"],
        "status": "open",
    }
    made["payment"] = part("invoice_payment", "payment", type="payment_intent", payment_intent=intent["id"])
    made["created"] = world.now(invoice)
    world.store.add(made)


def mark_paid(world: World, invoice: Object, intent: Object | None) -> None:
    """The invoice is settled: by a charge, by the customer's balance, or outside of Stripe."""
    now = world.now(invoice)
    invoice |= {"status": "paid", "attempted": True, "next_payment_attempt": None, "auto_advance": False}
    invoice |= {"amount_paid": invoice["amount_due"], "amount_remaining": 0}
    invoice["status_transitions"]["paid_at"] = now
    if intent is not None:
        for payment in world.store.oldest_first("invoice_payment", invoice=invoice["id"]):
            payment |= {"status": "paid", "amount_paid": intent["amount"]}
            payment["status_transitions"]["paid_at"] = now
            world.emit("invoice_payment.paid", payment)
    world.emit("invoice.paid", invoice)
    if intent is not None or not invoice["amount_due"]:
        world.emit("invoice.payment_succeeded", invoice)
    after_payment(world, invoice)


def _note_failure(world: World, invoice: Object, intent: Object) -> None:
    # The date of the next attempt stands in the event already.
    _set_next(world, invoice)
    if intent["status"] == "requires_action":
        world.emit("invoice.payment_action_required", invoice)
    world.emit("invoice.payment_failed", invoice)
    after_failure(world, invoice)


def _set_next(world: World, invoice: Object) -> None:
    days = world.settings.retry_days
    automatic = invoice["auto_advance"] and invoice["attempt_count"] <= len(days)
    at = world.now(invoice) + days[invoice["attempt_count"] - 1] * DAY if automatic else None
    invoice["next_payment_attempt"] = at


def _plan_next(world: World, invoice: Object) -> None:
    if invoice["next_payment_attempt"] is not None:
        world.plan(invoice["next_payment_attempt"], "retry", invoice)
    elif invoice["auto_advance"]:
        invoice["auto_advance"] = False
        after_last_attempt(world, invoice)


def retry(world: World, invoice: Object) -> None:
    """A later attempt, if its time is still the one that was planned."""
    planned = invoice["next_payment_attempt"]
    if invoice["status"] == "open" and planned is not None and planned <= world.now(invoice):
        try_to_collect(world, invoice)
