"""The calls on invoices, their items, and what is given back for them."""

from __future__ import annotations

from decimal import Decimal

from billing.simulator.calls import Call, answers, matching, page, picked
from billing.simulator.catalogue import price_of
from billing.simulator.collecting import collect, finalize_and_collect, mark_paid
from billing.simulator.invoicing import finalize, new_invoice, subscription_of_invoice
from billing.simulator.lines import line_of_item, new_item, pending_items
from billing.simulator.rating import total
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import changed, deleted, one, readable
from billing.simulator.shapes import Object
from billing.simulator.totals import add_up, apply_discounts
from billing.simulator.world import DAY

PATH, ITEMS = "/v1/invoices", "/v1/invoiceitems"
KEPT = (
    "auto_advance",
    "collection_method",
    "description",
    "footer",
    "metadata",
    "default_payment_method",
    "due_date",
)


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A draft by hand, with the customer's waiting items if the caller wants them."""
    if "customer" not in call.params:
        raise missing_parameter("customer")
    customer = call.store.get("customer", call.params["customer"], param="customer")
    currency = call.params.get("currency") or customer["currency"] or "usd"
    made = new_invoice(call.world, customer, currency, "manual")
    call.store.add(made)
    changed(call, made, picked(call.params, *KEPT), None)
    if made["collection_method"] == "send_invoice" and not made["due_date"]:
        made["due_date"] = made["created"] + call.params.get("days_until_due", 30) * DAY
    made["discounts"] = apply_discounts(call.world, call.params.get("discounts") or [], made)
    if call.params.get("pending_invoice_items_behavior") == "include":
        for item in pending_items(call.world, customer["id"], call.params.get("subscription")):
            _put(item, made)
    add_up(call.world, made)
    if made["auto_advance"]:
        call.world.plan(made["created"] + call.world.settings.finalize_after, "finalize", made)
    call.world.emit("invoice.created", made)
    return made


def _put(item: Object, invoice: Object) -> None:
    item["invoice"] = invoice["id"]
    invoice["lines"]["data"].append(line_of_item(item))


@answers("GET", PATH)
def list_invoices(call: Call) -> Object:
    """Invoices, also by subscription."""
    params = {name: value for name, value in call.params.items() if name != "subscription"}
    rows = call.store.newest_first("invoice")
    if wanted := call.params.get("subscription"):
        rows = [row for row in rows if subscription_of_invoice(row) == wanted]
    return page(call, matching(rows, params))


one("invoice", PATH)


@answers("GET", f"{PATH}/{{}}/lines")
def list_lines(call: Call) -> Object:
    return page(call, call.store.get("invoice", call.ids[0])["lines"]["data"])


@answers("POST", f"{PATH}/{{}}")
def update(call: Call) -> Object:
    found = call.store.get("invoice", call.ids[0])
    if found["status"] != "draft" and call.params.keys() - {
        "metadata",
        "auto_advance",
        "description",
        "expand",
    }:
        raise Refusal("Finalized invoices can't be updated in this way.", code="invoice_not_editable")
    if "discounts" in call.params:
        found["discounts"] = apply_discounts(call.world, call.params["discounts"] or [], found)
        add_up(call.world, found)
    return changed(call, found, picked(call.params, *KEPT), "invoice.updated")


@answers("DELETE", f"{PATH}/{{}}")
def delete(call: Call) -> Object:
    found = _in(call, "draft")
    for item in call.store.oldest_first("invoiceitem", invoice=found["id"]):
        item["invoice"] = None
    return deleted(call, found, "invoice.deleted")


def _in(call: Call, *statuses: str) -> Object:
    found = call.store.get("invoice", call.ids[0])
    if found["status"] not in statuses:
        raise Refusal(
            f"Invoice is {found['status']}, it must be {' or '.join(statuses)}.", code="invoice_not_editable"
        )
    return found


@answers("POST", f"{PATH}/{{}}/finalize")
def finalize_call(call: Call) -> Object:
    found = _in(call, "draft")
    found["auto_advance"] = call.params.get("auto_advance", found["auto_advance"])
    finalize_and_collect(call.world, found)
    return found


@answers("POST", f"{PATH}/{{}}/pay")
def pay(call: Call) -> Object:
    """Pay now; a refused card is answered with 402."""
    found = call.store.get("invoice", call.ids[0])
    if found["status"] == "paid":
        raise Refusal("Invoice is already paid", code="invoice_already_paid")
    if found["status"] == "draft":
        finalize(call.world, found)
    if call.params.get("paid_out_of_band"):
        mark_paid(call.world, found, None)
        return found
    refusal = collect(call.world, found, call.params.get("payment_method"))
    if refusal is not None:
        raise refusal
    return found


@answers("POST", f"{PATH}/{{}}/send")
def send(call: Call) -> Object:
    found = _in(call, "draft", "open")
    if found["status"] == "draft":
        finalize(call.world, found)
    call.world.emit("invoice.sent", found)
    return found


@answers("POST", f"{PATH}/{{}}/void")
def void(call: Call) -> Object:
    """As if it had never been issued."""
    found = _in(call, "open", "uncollectible")
    found |= {"status": "void", "amount_remaining": 0, "auto_advance": False, "next_payment_attempt": None}
    found["status_transitions"]["voided_at"] = call.world.now(found)
    call.world.emit("invoice.voided", found)
    return found


@answers("POST", f"{PATH}/{{}}/mark_uncollectible")
def give_up(call: Call) -> Object:
    found = _in(call, "open")
    found |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    found["status_transitions"]["marked_uncollectible_at"] = call.world.now(found)
    call.world.emit("invoice.marked_uncollectible", found)
    return found


@answers("POST", ITEMS)
def create_item(call: Call) -> Object:
    """Something to charge with the next invoice, or with a draft."""
    customer = call.store.get("customer", call.params.get("customer", ""), param="customer")
    subscription = call.store.find("subscription", call.params.get("subscription"))
    now = call.world.now(customer["id"])
    period = call.params.get("period") or {"start": now, "end": now}
    amount, price, quantity = _amount(call)
    made = new_item(
        call.world,
        customer["id"],
        price["currency"] if price else call.params.get("currency", "usd"),
        amount,
        call.params.get("description", ""),
        period=(period["start"], period["end"]),
        quantity=quantity,
        price=price,
        subscription=subscription,
    )
    made["metadata"] = call.params.get("metadata") or {}
    made["discountable"] = call.params.get("discountable", amount > 0)
    call.store.add(made)
    if name := call.params.get("invoice"):
        draft = call.store.get("invoice", name, param="invoice")
        _put(made, draft)
        add_up(call.world, draft)
    call.world.emit("invoiceitem.created", made)
    return made


def _amount(call: Call) -> tuple[int, Object | None, Decimal]:
    quantity = Decimal(call.params.get("quantity_decimal") or call.params.get("quantity", 1))
    if "amount" in call.params:
        return call.params["amount"], None, Decimal(1)
    if exact := call.params.get("unit_amount_decimal"):
        price = {"billing_scheme": "per_unit", "unit_amount_decimal": exact, "transform_quantity": None}
        return total(price, quantity), None, quantity
    given = call.params.get("pricing") or {
        name: call.params[name] for name in ("price_data",) if name in call.params
    }
    found = price_of(call, given, "pricing")
    return total(found, quantity), found, quantity


@answers("POST", f"{ITEMS}/{{}}")
def update_item(call: Call) -> Object:
    found = call.store.get("invoiceitem", call.ids[0])
    _check_editable(call, found)
    values = picked(call.params, "amount", "description", "discountable", "metadata")
    changed(call, found, values, None)
    if found["invoice"]:
        draft = call.store.get("invoice", found["invoice"])
        draft["lines"]["data"] = [line for line in draft["lines"]["data"] if not _is_of(line, found)]
        _put(found, draft)
        add_up(call.world, draft)
    return found


@answers("DELETE", f"{ITEMS}/{{}}")
def delete_item(call: Call) -> Object:
    found = call.store.get("invoiceitem", call.ids[0])
    _check_editable(call, found)
    if found["invoice"]:
        draft = call.store.get("invoice", found["invoice"])
        draft["lines"]["data"] = [line for line in draft["lines"]["data"] if not _is_of(line, found)]
        add_up(call.world, draft)
    return deleted(call, found, "invoiceitem.deleted")


def _check_editable(call: Call, found: Object) -> None:
    invoice = call.store.find("invoice", found["invoice"])
    if invoice is not None and invoice["status"] != "draft":
        raise Refusal("The invoice item is on an invoice that is not a draft.", code="invoice_not_editable")


def _is_of(line: Object, item: Object) -> bool:
    details = (line["parent"] or {}).get("invoice_item_details") or {}
    return bool(details.get("invoice_item") == item["id"])


@answers("GET", ITEMS)
def list_items(call: Call) -> Object:
    rows = call.store.newest_first("invoiceitem")
    if "pending" in call.params:
        rows = [row for row in rows if (row["invoice"] is None) == call.params["pending"]]
    return page(
        call, matching(rows, {name: value for name, value in call.params.items() if name != "pending"})
    )


one("invoiceitem", ITEMS)
readable("invoice_payment", "/v1/invoice_payments")
