"""Checkout sessions: what is to be bought, and what becomes of it when somebody pays."""

from __future__ import annotations

from decimal import Decimal

from billing.simulator.calls import Call, answers, matching, page, picked
from billing.simulator.cards import attach, card_named, confirm_setup, method_for, new_method, new_setup
from billing.simulator.catalogue import price_of, usable_code
from billing.simulator.customers import add_tax_id, new_customer
from billing.simulator.payments import attempt, new_intent
from billing.simulator.rating import total
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import changeable, one
from billing.simulator.shapes import Object, empty_list, filled, part
from billing.simulator.store import new_id
from billing.simulator.subscriptions import refuse_not_followed, start
from billing.simulator.world import DAY, World

PATH = "/v1/checkout/sessions"


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A session with a page of its own."""
    mode = call.params.get("mode", "payment")
    _check(call, mode)
    made = filled(
        "checkout.session", {name: value for name, value in call.params.items() if name != "line_items"}
    )
    made |= {"id": new_id("cs_test", 58), "mode": mode, "status": "open", "payment_method_types": ["card"]}
    made |= {
        "url": f"{call.world.address}/c/pay/{made['id']}",
        "ui_mode": "hosted_page",
        "metadata": made["metadata"] or {},
    }
    made["payment_status"] = "no_payment_required" if mode == "setup" else "unpaid"
    items = [
        _item(call, given, f"line_items[{at}]")
        for at, given in enumerate(call.params.get("line_items") or [])
    ]
    made["line_items"] = empty_list(f"{PATH}/{made['id']}/line_items") | {"data": items}
    _add_up(made, items, has_trial=_has_trial(call.params))
    call.store.secrets[made["id"]]["params"] = call.params
    now = call.world.now(made)
    made |= {"created": now, "expires_at": call.params.get("expires_at", now + DAY)}
    call.store.add(made)
    call.world.plan(made["expires_at"], "expire_checkout", made)
    return made


def _check(call: Call, mode: str) -> None:
    refuse_not_followed(call.params.get("subscription_data") or {})
    if call.params.get("ui_mode", "hosted_page") != "hosted_page":
        raise Refusal(
            "The simulator has hosted pages only.", param="ui_mode", code="not_simulated", status=501
        )
    if "success_url" not in call.params:
        raise missing_parameter("success_url")
    if mode != "setup" and not call.params.get("line_items"):
        raise missing_parameter("line_items")
    if "customer" in call.params:
        call.store.get("customer", call.params["customer"], param="customer")
        if "customer_email" in call.params:
            raise Refusal(
                "You may only specify one of these parameters: customer, customer_email.", param="customer"
            )


def _item(call: Call, given: Object, param: str) -> Object:
    price = price_of(call, given, param)
    metered = (price["recurring"] or {}).get("usage_type") == "metered"
    if metered and "quantity" in given:
        raise Refusal(
            "Quantity should not be specified where usage_type is `metered`.", param=f"{param}[quantity]"
        )
    if not metered and "quantity" not in given:
        raise missing_parameter(f"{param}[quantity]")
    amount = 0 if metered else total(price, Decimal(given["quantity"]))
    product = call.store.get("product", price["product"])
    made = filled("item", {"description": product["name"], "metadata": given.get("metadata") or {}})
    made |= {
        "id": new_id("li"),
        "price": price,
        "quantity": given.get("quantity"),
        "currency": price["currency"],
    }
    return made | {"amount_subtotal": amount, "amount_total": amount}


def _has_trial(params: Object) -> bool:
    data = params.get("subscription_data") or {}
    return "trial_period_days" in data or "trial_end" in data


def _add_up(made: Object, items: list[Object], *, has_trial: bool) -> None:
    due = sum(0 if has_trial and item["price"]["recurring"] else item["amount_total"] for item in items)
    made |= {"amount_subtotal": due, "amount_total": due, "currency": items[0]["currency"] if items else None}
    nothing = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
    made["total_details"] = part("checkout.session", "total_details", **nothing)


def needs_card(world: World, session: Object) -> bool:
    """Whether somebody has to give a card now."""
    required = (session["payment_method_collection"] or "always") == "always"
    return required or bool(session["amount_total"]) or session["mode"] == "setup"


def pay(world: World, session: Object, given: dict[str, str], *, proved: bool) -> None:
    """Do what the session is for, all or nothing; raises what has to be told to the buyer."""
    before = world.snapshot()
    try:
        _paid(Call(world, (), world.store.secrets[session["id"]]["params"]), session, given, proved=proved)
    except Refusal:
        world.restore(before)
        raise


def _paid(call: Call, session: Object, given: dict[str, str], *, proved: bool) -> None:
    world = call.world
    # After a restored snapshot the session is another object with the same id.
    session = world.store.get("checkout.session", session["id"])
    customer = _customer(call, session, given)
    method = _method(world, customer, given.get("card", ""), proved=proved)
    outcome = {"subscription": _subscribed, "setup": _set_up, "payment": _bought}[session["mode"]]
    session |= outcome(call, session, customer, (method, given))
    session |= {"customer": customer["id"], "status": "complete", "url": None}
    details = {**picked(customer, "email", "name", "phone"), "tax_exempt": "none", "tax_ids": []}
    session["customer_details"] = part("checkout.session", "customer_details", **details)
    world.emit("checkout.session.completed", session)


def _customer(call: Call, session: Object, given: dict[str, str]) -> Object:
    found = call.store.find("customer", session["customer"])
    if found is None:
        email = given.get("email") or session["customer_email"]
        if not email:
            raise Refusal("Enter your e-mail address.", param="email")
        found = new_customer(call, {"email": email})
    if value := given.get("tax_id", "").strip():
        add_tax_id(call, found, {"type": given.get("tax_id_type", "eu_vat"), "value": value})
    return found


def _method(world: World, customer: Object, number: str, *, proved: bool) -> str | None:
    if not number:
        return method_for(world, customer)
    made = new_method(world, card_named(number))
    attach(world, made["id"], customer)
    world.store.secrets[made["id"]]["proved"] = proved
    return str(made["id"])


def _subscribed(
    call: Call, session: Object, customer: Object, buyer: tuple[str | None, dict[str, str]]
) -> Object:
    method, given = buyer
    data = dict(call.params.get("subscription_data") or {})
    items = [_subscription_item(item) for item in session["line_items"]["data"]]
    values = {
        "customer": customer["id"],
        "items": items,
        **data,
        "discounts": _discounts(call, session, given),
    }
    values |= {"default_payment_method": method} if method else {}
    found = start(call, {**values, "payment_behavior": "error_if_incomplete"})
    invoice = call.store.find("invoice", found["latest_invoice"])
    paid = "paid" if invoice is not None and invoice["amount_paid"] else "no_payment_required"
    taken = sum(each["amount"] for each in (invoice or {}).get("total_discount_amounts") or [])
    session["total_details"]["amount_discount"] = taken
    found_now = {"subscription": found["id"], "invoice": found["latest_invoice"], "payment_status": paid}
    return {**found_now, "amount_total": invoice["total"] if invoice else 0}


def _subscription_item(item: Object) -> Object:
    quantity = {} if item["quantity"] is None else {"quantity": item["quantity"]}
    return {"price": item["price"]["id"], "metadata": item["metadata"] or {}, **quantity}


def _discounts(call: Call, session: Object, given: dict[str, str]) -> list[Object]:
    if code := given.get("promotion_code", "").strip():
        return [{"promotion_code": usable_code(call, code, session["customer"])["id"]}]
    return [picked(each, "coupon", "promotion_code") for each in call.params.get("discounts") or []]


def _set_up(
    call: Call, session: Object, customer: Object, buyer: tuple[str | None, dict[str, str]]
) -> Object:
    data = picked(call.params.get("setup_intent_data") or {}, "description", "metadata")
    setup = confirm_setup(call.world, new_setup(call.world, customer["id"], data), buyer[0] or "")
    return {"setup_intent": setup["id"], "payment_status": "no_payment_required"}


def _bought(
    call: Call, session: Object, customer: Object, buyer: tuple[str | None, dict[str, str]]
) -> Object:
    intent = new_intent(call.world, customer["id"], session["amount_total"], session["currency"])
    intent["metadata"] = dict((call.params.get("payment_intent_data") or {}).get("metadata") or {})
    refusal = attempt(call.world, intent, buyer[0])
    if refusal is not None:
        raise refusal
    return {"payment_intent": intent["id"], "payment_status": "paid"}


@answers("POST", f"{PATH}/{{}}/expire")
def expire(call: Call) -> Object:
    found = call.store.get("checkout.session", call.ids[0])
    if found["status"] != "open":
        raise Refusal(
            f'Only Checkout Sessions with a status in ["open"] can be expired; it is {found["status"]}.'
        )
    return _expired(call.world, found)


def _expired(world: World, found: Object) -> Object:
    found |= {"status": "expired", "url": None}
    world.emit("checkout.session.expired", found)
    return found


def expire_due(world: World, found: Object, now: int) -> None:
    """Nobody has paid in time."""
    if found["status"] == "open":
        _expired(world, found)


@answers("GET", f"{PATH}/{{}}/line_items")
def list_line_items(call: Call) -> Object:
    return page(call, call.store.get("checkout.session", call.ids[0])["line_items"]["data"])


@answers("GET", PATH)
def list_sessions(call: Call) -> Object:
    params = {name: value for name, value in call.params.items() if name != "customer_details"}
    return page(call, matching(call.store.newest_first("checkout.session"), params))


one("checkout.session", PATH)
changeable("checkout.session", PATH)
