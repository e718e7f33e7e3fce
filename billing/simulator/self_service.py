"""The page of the customer portal: subscription, card, tax number, invoices."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from billing.simulator import pages
from billing.simulator.calls import Call
from billing.simulator.cards import card_named, method_for
from billing.simulator.changing import change_items
from billing.simulator.customer_portal import allows, replace_card, running
from billing.simulator.customers import add_tax_id
from billing.simulator.refusals import Refusal
from billing.simulator.service import Answer
from billing.simulator.shapes import Object
from billing.simulator.subscriptions import cancel_now, set_cancel
from billing.simulator.world import World

TAX_IDS = (("eu_vat", "EU VAT"), ("gb_vat", "GB VAT"), ("ch_vat", "CH VAT"), ("us_ein", "US EIN"))
FAILED = "We are unable to authenticate your payment method. Please choose a different one and try again."


def portal(world: World, session: Object, given: dict[str, str] | None) -> Answer:
    """Show the page, after doing what one of its forms asks for."""
    message = done = ""
    if given is not None:
        try:
            onwards = _done(world, session, given)
        except Refusal as refusal:
            message = str(refusal)
        else:
            if onwards:
                return pages.redirect(onwards)
            done = "Saved."
    return _page(world, session, message, done)


def _done(world: World, session: Object, given: dict[str, str]) -> str | None:
    """Do what was asked; answers where to go next."""
    name = given.get("form", "")
    if name == "card":
        if asked := _asks_for_proof(world, session, given):
            return asked
        customer = world.store.get("customer", session["customer"])
        replace_card(world, customer, given.get("card", ""), proved="proved" in given)
    elif name in DEEDS:
        DEEDS[name](world, session, given)
    return _after(session, name)


def _asks_for_proof(world: World, session: Object, given: dict[str, str]) -> str | None:
    if card_named(given.get("card", "")).outcome != "authentication_required" or given.get("proved") == "yes":
        return None
    if given.get("proved") == "no":
        raise Refusal(FAILED)
    world.store.secrets[session["id"]]["asked"] = given
    return f"/authenticate/{session['id']}"


def _after(session: Object, name: str) -> str | None:
    """A page that was opened for one thing goes back when that is done."""
    flow = session["flow"]
    if flow is None:
        return f"/p/session/{session['id']}"
    end = flow["after_completion"] or {}
    onwards: str | None = (end.get("redirect") or {}).get("return_url") or session["return_url"]
    return onwards


def _subscription(world: World, session: Object, given: dict[str, str]) -> Object:
    found = world.store.get("subscription", given.get("subscription", ""))
    if found["customer"] != session["customer"]:
        raise Refusal("This is not your subscription.")
    return found


def _cancel(world: World, session: Object, given: dict[str, str]) -> None:
    found = _subscription(world, session, given)
    configuration = world.store.get("billing_portal.configuration", session["configuration"])
    if configuration["features"]["subscription_cancel"]["mode"] == "immediately":
        cancel_now(world, found)
    else:
        set_cancel(world, found, {"cancel_at_period_end": True})


def _keep(world: World, session: Object, given: dict[str, str]) -> None:
    set_cancel(world, _subscription(world, session, given), {"cancel_at_period_end": False})


def _change(world: World, session: Object, given: dict[str, str]) -> None:
    details = (session["flow"] or {}).get("subscription_update_confirm")
    if not details:
        raise Refusal("Nothing to confirm.")
    items = [{name: value for name, value in item.items() if value is not None} for item in details["items"]]
    configuration = world.store.get("billing_portal.configuration", session["configuration"])
    behavior = configuration["features"]["subscription_update"]["proration_behavior"]
    call = Call(world, (), {"items": items, "proration_behavior": behavior})
    change_items(call, _subscription(world, session, {"subscription": details["subscription"]}))


def _tax_id(world: World, session: Object, given: dict[str, str]) -> None:
    customer = world.store.get("customer", session["customer"])
    data = {"type": given.get("tax_id_type", "eu_vat"), "value": given.get("tax_id", "").strip()}
    if not data["value"]:
        raise Refusal("Enter a tax number.")
    add_tax_id(Call(world, (), {}), customer, data)


DEEDS = {"cancel": _cancel, "keep": _keep, "change": _change, "tax_id": _tax_id}


def _page(world: World, session: Object, message: str, done: str) -> Answer:
    customer = world.store.get("customer", session["customer"])
    flow = (session["flow"] or {}).get("type")
    parts = [FLOWS[flow](world, session, customer)] if flow in FLOWS else _all(world, session, customer)
    back = (
        f"<p>{pages.link(session['return_url'], 'Return to the shop')}</p>" if session["return_url"] else ""
    )
    notes = [pages.alert(message), pages.status(done)]
    return pages.page("Your billing", *notes, *parts, back, status=422 if message else 200)


def _all(world: World, session: Object, customer: Object) -> list[str]:
    parts = [_subscription_section(world, session, each) for each in running(world, customer)]
    if allows(world, session, "payment_method_update"):
        parts.append(_card_section(world, session, customer))
    if allows(world, session, "customer_update"):
        parts.append(_tax_section(world, customer))
    if allows(world, session, "invoice_history"):
        parts.append(_invoice_section(world, customer))
    return parts


def _subscription_section(world: World, session: Object, found: Object) -> str:
    names = ", ".join(dict.fromkeys(_product(world, item) for item in found["items"]["data"]))
    end = min(item["current_period_end"] for item in found["items"]["data"])
    text = (
        f"Ends on {pages.day(found['cancel_at'])}." if found["cancel_at"] else f"Renews on {pages.day(end)}."
    )
    body = f"<p>{escape(names)}: <strong>{escape(found['status'])}</strong>. {text}</p>"
    if found["cancel_at"]:
        body += _button(found, "keep", "Do not cancel")
    elif allows(world, session, "subscription_cancel"):
        body += _button(found, "cancel", "Cancel subscription")
    return pages.section("Subscription", body)


def _button(found: Object, name: str, text: str) -> str:
    hidden = f'<input type="hidden" name="subscription" value="{escape(found["id"])}">'
    return pages.form(text, hidden, name=name, quiet=True, boxed=False)


def _product(world: World, item: Object) -> str:
    product = world.store.find("product", item["price"]["product"])
    return str(product["name"]) if product else str(item["price"]["product"])


def _card_section(world: World, session: Object, customer: Object) -> str:
    method = world.store.find("payment_method", method_for(world, customer, *running(world, customer)))
    shown = "<p>None yet.</p>"
    if method is not None:
        shown = f"<p>{escape(method['card']['brand'].title())} ending in {method['card']['last4']}</p>"
    return pages.section(
        "Card", shown, pages.form("Use this card", pages.card_choice(), name="card", boxed=False)
    )


def _cancel_section(world: World, session: Object, customer: Object) -> str:
    found = world.store.get("subscription", session["flow"]["subscription_cancel"]["subscription"])
    end = pages.day(min(item["current_period_end"] for item in found["items"]["data"]))
    text = f"<p>You can use it until {end}.</p>"
    return pages.section("Cancel your subscription", text, _button(found, "cancel", "Cancel subscription"))


def _confirm_section(world: World, session: Object, customer: Object) -> str:
    details = session["flow"]["subscription_update_confirm"]
    prices = [world.store.find("price", item["price"]) for item in details["items"] if item["price"]]
    names = ", ".join(_product(world, {"price": price}) for price in prices if price)
    confirm = pages.form("Confirm", name="change", boxed=False)
    return pages.section("Confirm your new plan", f"<p>{escape(names)}</p>", confirm)


def _tax_section(world: World, customer: Object) -> str:
    numbers = world.store.oldest_first("tax_id", customer=customer["id"])
    known = "".join(f"<li>{escape(each['value'])}</li>" for each in numbers)
    body = f"<ul>{known}</ul>" if known else ""
    fields = [
        pages.choice("tax_id_type", "Kind of tax number", TAX_IDS, "eu_vat"),
        pages.field("tax_id", "Tax number"),
    ]
    return pages.section(
        "Tax", body, pages.form("Add tax number", *fields, name="tax_id", quiet=True, boxed=False)
    )


def _invoice_section(world: World, customer: Object) -> str:
    found = world.store.newest_first("invoice", customer=customer["id"])
    rows = [_invoice_row(each) for each in found if each["number"]]
    if not rows:
        return pages.section("Invoices", "<p>None yet.</p>")
    return pages.section("Invoices", pages.table(["Number", "Date", "State", "Amount"], rows))


def _invoice_row(invoice: Object) -> list[str]:
    amount = pages.money(invoice["total"], invoice["currency"])
    number = pages.link(f"/i/{invoice['id']}", invoice["number"])
    return [number, pages.day(invoice["created"]), escape(invoice["status"]), amount]


FLOWS: dict[str, Callable[[World, Object, Object], str]] = {
    "payment_method_update": _card_section,
    "subscription_cancel": _cancel_section,
    "subscription_update_confirm": _confirm_section,
}
