"""The pages that people click through: checkout, portal, invoices, and the bank's question."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl

from billing.simulator import pages
from billing.simulator.cards import card_named
from billing.simulator.checkout import needs_card, pay
from billing.simulator.collecting import collect
from billing.simulator.paper import pdf
from billing.simulator.refusals import Refusal
from billing.simulator.self_service import FAILED, TAX_IDS, portal
from billing.simulator.service import Answer, Request, Simulator
from billing.simulator.shapes import Object
from billing.simulator.world import World

Page = Callable[[World, Object, dict[str, str] | None], Answer]


def answer(simulator: Simulator, request: Request) -> Answer:
    """A page, or what was sent from one."""
    if request.path == "/assets/pages.css":
        return Answer(200, pages.STYLE, {"Content-Type": "text/css", "Cache-Control": "max-age=3600"})
    if request.path.endswith("/pdf"):
        with simulator.world.lock:
            return _download(simulator.world, request.path.split("/")[-2])
    prefix, _, name = request.path.rpartition("/")
    view = VIEWS.get(prefix)
    with simulator.world.lock:
        found = simulator.world.store.anywhere(name) if view else None
        if view is None or found is None:
            return pages.page("Nothing here", "<p>This page has expired or never was.</p>", status=404)
        given = dict(parse_qsl(request.body.decode())) if request.method == "POST" else None
        try:
            simulator.world.touched |= given is not None
            return view(simulator.world, found, given)
        finally:
            simulator.courier.send(simulator.world.taken())


def _checkout(world: World, session: Object, given: dict[str, str] | None) -> Answer:
    if session["status"] != "open":
        return pages.page("This session is over", f"<p>It is {escape(session['status'])}.</p>")
    if given is None:
        return _checkout_page(world, session, {}, world.store.secrets[session["id"]].pop("message", ""))
    try:
        number = given.get("card", "")
        if number and card_named(number).outcome == "authentication_required":
            world.store.secrets[session["id"]]["asked"] = given
            return pages.redirect(f"/authenticate/{session['id']}")
        return _finish_checkout(world, session, given, proved=False)
    except Refusal as refusal:
        return _checkout_page(world, session, given, str(refusal))


def _finish_checkout(world: World, session: Object, given: dict[str, str], *, proved: bool) -> Answer:
    pay(world, session, given, proved=proved)
    return pages.redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


def _checkout_page(world: World, session: Object, given: dict[str, str], message: str) -> Answer:
    words = {"subscription": "Subscribe", "payment": "Pay", "setup": "Save card"}
    back = f"<p>{pages.link(session['cancel_url'], 'Go back')}</p>" if session["cancel_url"] else ""
    body = pages.form(words[session["mode"]], *_checkout_fields(world, session, given))
    return pages.page(
        "Checkout", pages.alert(message), _order(session), body, back, status=422 if message else 200
    )


def _order(session: Object) -> str:
    if session["mode"] == "setup":
        return ""
    rows = [[escape(item["description"]), _price_text(item)] for item in session["line_items"]["data"]]
    due = pages.money(session["amount_total"], session["currency"])
    return pages.section("Your order", pages.table(["What", "Price"], rows, foot=["Due today", due]))


def _price_text(item: Object) -> str:
    recurring = item["price"]["recurring"]
    if recurring is None:
        return pages.money(item["amount_total"], item["currency"])
    if recurring["usage_type"] == "metered":
        return f"by use, each {recurring['interval']}"
    return f"{pages.money(item['amount_total'], item['currency'])} / {recurring['interval']}"


def _checkout_fields(world: World, session: Object, given: dict[str, str]) -> list[str]:
    known = world.store.find("customer", session["customer"])
    email = given.get("email") or session["customer_email"] or ""
    fields = [] if known else [pages.field("email", "E-mail", email, kind="email", required=True)]
    fields.append(pages.card_choice(given.get("card", ""), optional=not needs_card(world, session)))
    if session["allow_promotion_codes"]:
        fields.append(
            pages.field("promotion_code", "Promotion code (optional)", given.get("promotion_code", ""))
        )
    if (session["tax_id_collection"] or {}).get("enabled"):
        kinds = pages.choice("tax_id_type", "Kind of tax number", TAX_IDS, given.get("tax_id_type", "eu_vat"))
        fields += [kinds, pages.field("tax_id", "Tax number (optional)", given.get("tax_id", ""))]
    return fields


def _authenticate(world: World, about: Object, given: dict[str, str] | None) -> Answer:
    """The bank asks whether it is really the owner."""
    if given is None:
        yes = pages.form("Complete authentication", name="complete")
        no = pages.form("Fail", name="fail", quiet=True)
        return pages.page("Your bank asks", "<p>Is it you who wants to pay?</p>", yes, no)
    return ASKED[about["object"]](world, about, given.get("form") == "complete")


def _asked_at_checkout(world: World, session: Object, proved: bool) -> Answer:
    given = world.store.secrets[session["id"]].pop("asked", {})
    if not proved:
        return _checkout_page(world, session, given, FAILED)
    try:
        return _finish_checkout(world, session, given, proved=True)
    except Refusal as refusal:
        return _checkout_page(world, session, given, str(refusal))


def _asked_in_portal(world: World, session: Object, proved: bool) -> Answer:
    given = world.store.secrets[session["id"]].pop("asked", {})
    return portal(world, session, {**given, "proved": "yes" if proved else "no"})


def _asked_for_invoice(world: World, intent: Object, proved: bool) -> Answer:
    invoice = world.store.find("invoice", world.store.secrets[intent["id"]].get("invoice"))
    if invoice is None:
        return pages.page("Done", "<p>You can close this page.</p>")
    if proved:
        collect(world, invoice, intent["payment_method"], proved=True)
    return _invoice(world, invoice, None, "" if proved else FAILED)


def _invoice(world: World, invoice: Object, given: dict[str, str] | None, message: str = "") -> Answer:
    """An invoice with a form to pay it, as long as it is open."""
    if given is not None and invoice["status"] == "open":
        message = _pay_invoice(world, invoice, given)
        intent = world.store.find("payment_intent", world.store.secrets[invoice["id"]].get("intent"))
        if intent is not None and intent["status"] == "requires_action":
            return pages.redirect(f"/authenticate/{intent['id']}")
    return _invoice_page(invoice, message)


def _invoice_page(invoice: Object, message: str) -> Answer:
    currency, is_open = invoice["currency"], invoice["status"] == "open"
    due = f"<p>Still to pay: <strong>{pages.money(invoice['amount_remaining'], currency)}</strong></p>"
    parts = [
        pages.alert(message),
        pages.status("Paid, thank you.") if invoice["status"] == "paid" else due,
        pages.section(
            "Lines", pages.lines_table(invoice["lines"]["data"], invoice["total"], currency, "Total")
        ),
        pages.form("Pay now", pages.card_choice()) if is_open else "",
        f"<p>{pages.link('/i/' + invoice['id'] + '/pdf', 'Download as PDF')}</p>"
        if invoice["number"]
        else "",
    ]
    title = f"Invoice {invoice['number'] or ''}".strip()
    return pages.page(title, *parts, status=422 if message else 200)


def _pay_invoice(world: World, invoice: Object, given: dict[str, str]) -> str:
    from billing.simulator.cards import attach, new_method

    try:
        made = new_method(world, card_named(given.get("card", "")))
        attach(world, made["id"], world.store.get("customer", invoice["customer"]))
        refusal = collect(world, invoice, made["id"])
    except Refusal as error:
        refusal = error
    return "" if refusal is None else str(refusal)


def _receipt(world: World, charge: Object, given: dict[str, str] | None) -> Answer:
    amount = pages.money(charge["amount"], charge["currency"])
    return pages.page("Receipt", f"<p>{amount}, {escape(charge['status'])}.</p>")


def _download(world: World, name: str) -> Answer:
    """An invoice or a credit note as a PDF."""
    found = world.store.find("invoice", name) or world.store.find("credit_note", name)
    if found is None:
        return pages.page("Nothing here", "<p>There is no such document.</p>", status=404)
    head = "Invoice" if found["object"] == "invoice" else "Credit note"
    lines = [(line["description"] or "", line["amount"]) for line in found["lines"]["data"]]
    rows = [
        f"{text}   {pages.money(amount, found['currency'])}"
        for text, amount in [*lines, ("Total", found["total"])]
    ]
    content = pdf([f"{head} {found['number']}", "Simulated: no money moves.", "", *rows])
    return Answer(200, content, {"Content-Type": "application/pdf", "Cache-Control": "no-store"})


ASKED: dict[str, Callable[[World, Object, bool], Answer]] = {
    "checkout.session": _asked_at_checkout,
    "payment_intent": _asked_for_invoice,
    "billing_portal.session": _asked_in_portal,
}
VIEWS: dict[str, Page] = {
    "/c/pay": _checkout,
    "/p/session": portal,
    "/i": _invoice,
    "/authenticate": _authenticate,
    "/receipts": _receipt,
}
