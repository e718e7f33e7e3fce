"""Money that moves: payment intents, charges, refunds."""

from __future__ import annotations

from billing.simulator.calls import Call, answers
from billing.simulator.cards import card_of, declined
from billing.simulator.refusals import Refusal
from billing.simulator.resources import changeable, readable
from billing.simulator.shapes import Object, blank, filled, part
from billing.simulator.store import new_id
from billing.simulator.world import World

INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"


def new_intent(world: World, customer: str | None, amount: int, currency: str) -> Object:
    """The wish to be paid."""
    made = blank("payment_intent") | {"id": new_id("pi"), "customer": customer, "amount": amount}
    made |= {"currency": currency, "client_secret": f"{made['id']}_secret_{new_id('s')[2:]}"}
    made |= {"status": "requires_payment_method", "payment_method_types": ["card"]}
    made |= {"amount_received": 0, "amount_capturable": 0, "capture_method": "automatic"}
    made["metadata"] = made["metadata"] or {}
    world.stamp(made)
    world.emit("payment_intent.created", made)
    return made


def attempt(world: World, intent: Object, method: str | None, *, proved: bool = False) -> Refusal | None:
    """Charge a card; answers why not, if it does not work."""
    if method is None:
        return Refusal(
            "This customer has no attached payment source or default payment method. Please consider adding a "
            "default payment method.",
            code="resource_missing",
        )
    card = card_of(world, method)
    intent["payment_method"] = method
    proved = proved or world.store.secrets[method].pop("proved", False)
    if card.outcome == "authentication_required" and not proved:
        return _asks_for_proof(world, intent)
    charge = _charge(world, intent, method)
    intent["latest_charge"] = charge["id"]
    if card.outcome not in ("ok", "authentication_required"):
        return _failed(world, intent, charge, card.outcome)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "next_action": None,
        "last_payment_error": None,
    }
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    return None


def _asks_for_proof(world: World, intent: Object) -> Refusal:
    refusal = declined("authentication_required", payment_intent={"id": intent["id"]})
    action = {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": f"{world.address}/authenticate/{intent['id']}"},
    }
    intent |= {"status": "requires_action", "next_action": part("payment_intent", "next_action", **action)}
    world.emit("payment_intent.requires_action", intent)
    return refusal


def _failed(world: World, intent: Object, charge: Object, code: str) -> Refusal:
    refusal = declined(code, charge=charge["id"], payment_intent={"id": intent["id"]})
    charge |= {"status": "failed", "paid": False, "captured": False, "amount_captured": 0}
    charge |= {"failure_code": refusal.error["code"], "failure_message": str(refusal)}
    charge["outcome"] |= {"type": "issuer_declined", "reason": code, "network_status": "declined_by_network"}
    error = part(
        "payment_intent",
        "last_payment_error",
        **{k: v for k, v in refusal.error.items() if isinstance(v, str)},
    )
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "next_action": None}
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return refusal


def _charge(world: World, intent: Object, method: str) -> Object:
    made = blank("charge") | {"id": new_id("ch"), "amount": intent["amount"], "currency": intent["currency"]}
    made |= {"customer": intent["customer"], "payment_intent": intent["id"], "payment_method": method}
    made |= {"paid": True, "captured": True, "amount_captured": intent["amount"], "status": "succeeded"}
    made["outcome"] = part("charge", "outcome", type="authorized", network_status="approved_by_network")
    shown = world.store.get("payment_method", method)["card"]
    details = {
        "type": "card",
        "card": {name: shown[name] for name in ("brand", "last4", "exp_month", "exp_year")},
    }
    made["payment_method_details"] = part("charge", "payment_method_details", **details)
    made["receipt_url"] = f"{world.address}/receipts/{made['id']}"
    return world.stamp(made)


@answers("POST", INTENTS)
def create_intent(call: Call) -> Object:
    """A payment of its own, outside of invoices."""
    made = new_intent(call.world, call.params.get("customer"), call.params["amount"], call.params["currency"])
    made |= {
        "metadata": call.params.get("metadata") or {},
        "payment_method": call.params.get("payment_method"),
    }
    if call.params.get("confirm"):
        return _confirmed(call, made)
    return made


@answers("POST", f"{INTENTS}/{{}}/confirm")
def confirm_intent(call: Call) -> Object:
    return _confirmed(call, call.store.get("payment_intent", call.ids[0]))


def _confirmed(call: Call, intent: Object) -> Object:
    method = call.params.get("payment_method") or intent["payment_method"]
    settle = call.store.secrets[intent["id"]].get("invoice")
    if settle is not None:
        from billing.simulator.collecting import collect

        collect(call.world, call.store.get("invoice", settle), method)
        return intent
    refusal = attempt(call.world, intent, method)
    if refusal is not None and intent["status"] != "requires_action":
        raise refusal
    return intent


@answers("POST", f"{INTENTS}/{{}}/cancel")
def cancel_intent(call: Call) -> Object:
    intent = call.store.get("payment_intent", call.ids[0])
    if intent["status"] == "succeeded":
        raise Refusal(
            "This payment has succeeded and cannot be canceled.", code="payment_intent_unexpected_state"
        )
    intent |= {"status": "canceled", "canceled_at": call.world.now(intent)}
    call.world.emit("payment_intent.canceled", intent)
    return intent


@answers("POST", REFUNDS)
def create_refund(call: Call) -> Object:
    """Give back all or a part of a charge."""
    return refund(call.world, _charge_to_refund(call), call.params.get("amount"), call.params)


def _charge_to_refund(call: Call) -> Object:
    if intent := call.params.get("payment_intent"):
        found = call.store.get("payment_intent", intent, param="payment_intent")["latest_charge"]
        return call.store.get("charge", found or "", param="payment_intent")
    return call.store.get("charge", call.params.get("charge", ""), param="charge")


def refund(world: World, charge: Object, amount: int | None, values: Object) -> Object:
    """A refund succeeds at once; more than was paid is refused."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    wanted = left if amount is None else amount
    if not left:
        raise Refusal(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < wanted <= left:
        raise Refusal(
            f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})", param="amount"
        )
    made = filled("refund", {name: values[name] for name in ("metadata", "reason") if name in values})
    made |= {"id": new_id("re"), "amount": wanted, "currency": charge["currency"], "charge": charge["id"]}
    made |= {
        "payment_intent": charge["payment_intent"],
        "status": "succeeded",
        "metadata": made["metadata"] or {},
    }
    made["created"] = world.now(charge)
    world.store.add(made)
    charge["amount_refunded"] += wanted
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    world.emit("refund.created", made)
    world.emit("charge.refunded", charge)
    return made


readable("payment_intent", INTENTS)
changeable("payment_intent", INTENTS)
readable("charge", "/v1/charges")
changeable("charge", "/v1/charges", "charge.updated")
readable("refund", REFUNDS)
changeable("refund", REFUNDS, "refund.updated")
