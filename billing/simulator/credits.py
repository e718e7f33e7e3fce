"""Credit notes: less to pay on an open invoice, money or balance back on a paid one."""

from __future__ import annotations

from billing.simulator.calls import Call, answers, page, picked
from billing.simulator.payments import refund
from billing.simulator.refusals import Refusal
from billing.simulator.resources import changeable, readable
from billing.simulator.shapes import Object, blank, empty_list, filled
from billing.simulator.store import new_id

PATH = "/v1/credit_notes"


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A note for an amount or for lines of an invoice that was issued."""
    made, invoice = _worked_out(call)
    _settle(call, made, invoice)
    call.store.add(made)
    call.world.emit("credit_note.created", made)
    return made


@answers("GET", f"{PATH}/preview")
def preview(call: Call) -> Object:
    return _worked_out(call)[0]


def _worked_out(call: Call) -> tuple[Object, Object]:
    invoice = call.store.get("invoice", call.params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid"):
        raise Refusal(f"You cannot credit an invoice that is {invoice['status']}.", param="invoice")
    lines = [_line(invoice, given) for given in call.params.get("lines") or []]
    amount = call.params.get("amount", sum(line["amount"] for line in lines))
    left = (
        invoice["total"]
        - invoice["pre_payment_credit_notes_amount"]
        - invoice["post_payment_credit_notes_amount"]
    )
    if not 0 < amount <= left:
        raise Refusal(f"The amount of the credit note must be between 1 and {left}.", param="amount")
    return _note(call, invoice, amount, lines or [_custom_line(amount, call.params.get("memo"))]), invoice


def _note(call: Call, invoice: Object, amount: int, lines: list[Object]) -> Object:
    made = filled("credit_note", picked(call.params, "memo", "metadata", "reason")) | {"id": new_id("cn")}
    earlier = sum(1 for _ in call.store.oldest_first("credit_note", invoice=invoice["id"]))
    made |= dict.fromkeys(
        ("amount", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), amount
    )
    made |= {"currency": invoice["currency"], "customer": invoice["customer"], "invoice": invoice["id"]}
    made |= {"number": f"{invoice['number']}-CN-{earlier + 1:02d}", "status": "issued", "total_taxes": []}
    made |= {"created": call.world.now(invoice), "effective_at": call.world.now(invoice)}
    made |= {"metadata": made["metadata"] or {}, "pdf": f"{call.world.address}/credit_notes/{made['id']}/pdf"}
    made["lines"] = empty_list(f"{PATH}/{made['id']}/lines") | {"data": lines}
    kind = "pre_payment" if invoice["status"] == "open" else "post_payment"
    return made | {"type": kind, f"{kind}_amount": amount}


def _line(invoice: Object, given: Object) -> Object:
    if given["type"] == "custom_line_item":
        return _custom_line(given.get("unit_amount", 0) * given.get("quantity", 1), given.get("description"))
    original = next(
        (line for line in invoice["lines"]["data"] if line["id"] == given.get("invoice_line_item")), None
    )
    if original is None:
        raise Refusal(
            "No such line on the invoice.", param="lines[0][invoice_line_item]", code="resource_missing"
        )
    amount = given.get("amount", original["amount"])
    made = _custom_line(amount, original["description"])
    return made | {"type": "invoice_line_item", "invoice_line_item": original["id"]}


def _custom_line(amount: int, text: str | None) -> Object:
    made = blank("credit_note_line_item") | {"id": new_id("cnli"), "amount": amount, "description": text}
    return made | {
        "type": "custom_line_item",
        "quantity": 1,
        "unit_amount": amount,
        "taxes": [],
        "metadata": {},
    }


def _settle(call: Call, made: Object, invoice: Object) -> None:
    amount = made["amount"]
    invoice[f"{made['type']}_credit_notes_amount"] += amount
    if made["type"] == "pre_payment":
        invoice["amount_remaining"] = max(0, invoice["amount_remaining"] - amount)
        invoice["amount_due"] = max(0, invoice["amount_due"] - amount)
        if not invoice["amount_remaining"]:
            from billing.simulator.collecting import mark_paid

            mark_paid(call.world, invoice, None)
        return
    if wanted := call.params.get("refund_amount"):
        made["refunds"] = [_refunded(call, invoice, wanted)]
    if credited := call.params.get("credit_amount"):
        customer = call.store.get("customer", invoice["customer"])
        previous, customer["balance"] = {"balance": customer["balance"]}, customer["balance"] - credited
        call.world.emit("customer.updated", customer, previous)


def _refunded(call: Call, invoice: Object, amount: int) -> Object:
    name = call.store.secrets[invoice["id"]].get("intent", "")
    intent = call.store.get("payment_intent", name, param="refund_amount")
    given_back = refund(call.world, call.store.get("charge", intent["latest_charge"]), amount, {})
    return {
        "amount_refunded": amount,
        "payment_record_refund": None,
        "refund": given_back["id"],
        "type": "refund",
    }


@answers("GET", f"{PATH}/{{}}/lines")
def list_lines(call: Call) -> Object:
    return page(call, call.store.get("credit_note", call.ids[0])["lines"]["data"])


@answers("POST", f"{PATH}/{{}}/void")
def void(call: Call) -> Object:
    """Only what has not been paid out can be taken back."""
    found = call.store.get("credit_note", call.ids[0])
    invoice = call.store.get("invoice", found["invoice"])
    if found["type"] != "pre_payment" or invoice["status"] != "open":
        raise Refusal("Only credit notes of open invoices can be voided.", param="id")
    invoice["pre_payment_credit_notes_amount"] -= found["amount"]
    invoice["amount_remaining"] += found["amount"]
    invoice["amount_due"] += found["amount"]
    found |= {"status": "void", "voided_at": call.world.now(invoice)}
    call.world.emit("credit_note.voided", found)
    return found


readable("credit_note", PATH)
changeable("credit_note", PATH, "credit_note.updated")
