"""Payment methods: Stripe's test cards, by number and by name, and how each behaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billing.simulator.calls import Call, answers, picked
from billing.simulator.refusals import Refusal, no_such
from billing.simulator.resources import changeable, changed, readable
from billing.simulator.shapes import Object, filled, part
from billing.simulator.store import new_id
from billing.simulator.world import World

PATH = "/v1/payment_methods"


@dataclass(frozen=True, slots=True)
class Card:
    """A test card: what happens when it is saved and when it is charged."""

    number: str
    brand: str = "visa"
    # When charged: ok, a code of decline, or authentication_required.
    outcome: str = "ok"
    can_be_saved: bool = True


CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("5555555555554444", "mastercard"),
        Card("4000000000000002", outcome="generic_decline", can_be_saved=False),
        Card("4000000000009995", outcome="insufficient_funds", can_be_saved=False),
        Card("4000000000000069", outcome="expired_card", can_be_saved=False),
        Card("4000000000000341", outcome="generic_decline"),
        Card("4000002760003184", outcome="authentication_required"),
    )
}
NAMES = {
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequired": "4000002760003184",
}
MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def card_named(name: str) -> Card:
    """A card by number, or by Stripe's name for it: `pm_card_visa`, `tok_visa`."""
    number = NAMES.get(name.removeprefix("pm_card_").removeprefix("tok_"), name.replace(" ", ""))
    if number not in CARDS:
        raise Refusal(
            "Your card number is incorrect. The simulator knows these: " + ", ".join(CARDS),
            kind="card_error",
            code="incorrect_number",
            param="number",
            status=402,
        )
    return CARDS[number]


def declined(code: str, **more: Any) -> Refusal:
    """What a refused charge is answered with."""
    error = "card_declined" if code in ("generic_decline", "insufficient_funds") else code
    decline: dict[str, Any] = (
        {"decline_code": code} if error != code or code == "authentication_required" else {}
    )
    return Refusal(MESSAGES[code], kind="card_error", code=error, status=402, **decline, **more)


def new_method(world: World, card: Card, values: Object | None = None) -> Object:
    """A payment method that belongs to nobody yet."""
    made = filled("payment_method", values or {}) | {"id": new_id("pm"), "type": "card"}
    made["allow_redisplay"] = made["allow_redisplay"] or "unspecified"
    made["metadata"] = made["metadata"] or {}
    made["card"] = _shown(card)
    # Of the many means of payment, an answer names only the one that it is.
    made = {name: value for name, value in made.items() if value is not None or name.startswith("customer")}
    world.store.secrets[made["id"]]["card"] = card.number
    return world.stamp(made)


def _shown(card: Card) -> Object:
    shown = part("payment_method", "card", brand=card.brand, display_brand=card.brand, last4=card.number[-4:])
    shown |= {"exp_month": 8, "exp_year": 2034, "funding": "credit", "country": "US"}
    shown["fingerprint"] = f"{int(card.number):x}"[-16:].rjust(16, "A")
    return shown


def card_of(world: World, method: str) -> Card:
    """The test card behind a payment method."""
    return CARDS[world.store.secrets[method]["card"]]


def attach(world: World, name: str, customer: Object) -> Object:
    """Save a card for a customer; `pm_card_…` makes a new one each time."""
    found = world.store.find("payment_method", name)
    if found is None:
        if not name.startswith("pm_card_"):
            raise no_such("PaymentMethod", name, param="payment_method", status=400)
        found = new_method(world, card_named(name))
    card = card_of(world, found["id"])
    if not card.can_be_saved:
        raise declined(card.outcome)
    found["customer"] = customer["id"]
    world.emit("payment_method.attached", found)
    return found


def method_for(world: World, customer: Object, *owners: Object) -> str | None:
    """The card that pays: the first of the owners that names one, else the customer's default."""
    for owner in owners:
        if owner.get("default_payment_method"):
            return str(owner["default_payment_method"])
    default: str | None = (customer["invoice_settings"] or {}).get("default_payment_method")
    return default


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A card by number or token; other means of payment are not simulated."""
    if call.params.get("type") != "card":
        raise Refusal("The simulator knows cards only.", param="type", code="not_simulated", status=501)
    given = call.params.get("card") or {}
    card = card_named(given.get("token") or given.get("number") or "")
    return new_method(call.world, card, picked(call.params, "billing_details", "metadata"))


@answers("POST", f"{PATH}/{{}}/attach")
def attach_to(call: Call) -> Object:
    customer = call.store.get("customer", call.params.get("customer", ""), param="customer")
    return attach(call.world, call.ids[0], customer)


@answers("POST", f"{PATH}/{{}}/detach")
def detach(call: Call) -> Object:
    """Take a card from its customer, wherever it was the default."""
    found = call.store.get("payment_method", call.ids[0])
    customer = call.store.find("customer", found["customer"])
    if customer is None:
        raise Refusal(
            "The payment method you provided is not attached to a customer.", param="payment_method"
        )
    if (customer["invoice_settings"] or {}).get("default_payment_method") == found["id"]:
        set_default(call.world, customer, "")
    previous, found["customer"] = {"customer": customer["id"]}, None
    call.world.emit("payment_method.detached", found, previous)
    return found


def set_default(world: World, customer: Object, method: str) -> None:
    """Make a card the one that pays invoices; an empty name takes it away."""
    settings = {**(customer["invoice_settings"] or {}), "default_payment_method": method or None}
    call = Call(world, (), {})
    changed(call, customer, {"invoice_settings": settings}, "customer.updated")


readable("payment_method", PATH)
changeable("payment_method", PATH, "payment_method.updated")


def new_setup(world: World, customer: str | None, values: Object | None = None) -> Object:
    """The saving of a card, which may ask for proof."""
    made = filled("setup_intent", values or {}) | {"id": new_id("seti"), "customer": customer}
    made |= {"client_secret": f"{made['id']}_secret_{new_id('s')[2:]}", "status": "requires_payment_method"}
    made |= {"payment_method_types": ["card"], "usage": made["usage"] or "off_session"}
    made["metadata"] = made["metadata"] or {}
    world.stamp(made)
    world.emit("setup_intent.created", made)
    return made


def confirm_setup(world: World, setup: Object, method: str) -> Object:
    """Save the card, or leave the intent with the reason why not."""
    customer = world.store.find("customer", setup["customer"])
    try:
        found = attach(world, method, customer) if customer else world.store.get("payment_method", method)
    except Refusal as refusal:
        setup |= {"status": "requires_payment_method", "last_setup_error": refusal.error}
        world.emit("setup_intent.setup_failed", setup)
        raise
    setup |= {"status": "succeeded", "payment_method": found["id"], "last_setup_error": None}
    world.emit("setup_intent.succeeded", setup)
    return setup


@answers("POST", "/v1/setup_intents")
def create_setup(call: Call) -> Object:
    values = picked(call.params, "description", "metadata", "usage")
    made = new_setup(call.world, call.params.get("customer"), values)
    if call.params.get("confirm"):
        return confirm_setup(call.world, made, call.params.get("payment_method", ""))
    if method := call.params.get("payment_method"):
        made |= {"payment_method": method, "status": "requires_confirmation"}
    return made


@answers("POST", "/v1/setup_intents/{}/confirm")
def confirm_setup_call(call: Call) -> Object:
    setup = call.store.get("setup_intent", call.ids[0])
    return confirm_setup(
        call.world, setup, call.params.get("payment_method") or setup["payment_method"] or ""
    )


@answers("POST", "/v1/setup_intents/{}/cancel")
def cancel_setup(call: Call) -> Object:
    setup = call.store.get("setup_intent", call.ids[0])
    setup |= {"status": "canceled", "cancellation_reason": call.params.get("cancellation_reason")}
    call.world.emit("setup_intent.canceled", setup)
    return setup


readable("setup_intent", "/v1/setup_intents")
