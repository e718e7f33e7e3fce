"""`create_preview`: the next invoice as it would be, also after a change that nobody has made yet."""

from __future__ import annotations

import copy
from typing import Any

from billing.simulator.calls import Call, answers
from billing.simulator.changing import Change, begins_anew, plan_change
from billing.simulator.invoicing import invoice_for, new_invoice
from billing.simulator.lines import is_metered, licensed_lines, line_of_item, new_item, pending_items
from billing.simulator.refusals import missing_parameter
from billing.simulator.renewals import upcoming_invoice
from billing.simulator.shapes import Object
from billing.simulator.subscriptions import (
    _check_items,
    _new,
    _trial_end,
    first_lines,
    new_subscription_item,
    period_end,
    set_periods,
)
from billing.simulator.totals import add_up


@answers("POST", "/v1/invoices/create_preview")
def create_preview(call: Call) -> Object:
    """Nothing is kept of what is worked out here."""
    invoice = _running(call) if "subscription" in call.params else _beginning(call)
    for given in call.params.get("invoice_items") or []:
        invoice["lines"]["data"].append(line_of_item(_described(call, invoice, given)))
    invoice["id"] = f"upcoming_{invoice['id']}"
    return add_up(call.world, invoice)


def _running(call: Call) -> Object:
    found = call.store.get("subscription", call.params["subscription"], param="subscription")
    details: dict[str, Any] = call.params.get("subscription_details") or {}
    shown = copy.deepcopy(found)
    if "cancel_at_period_end" in details:
        ends = min(item["current_period_end"] for item in found["items"]["data"])
        shown["cancel_at"] = ends if details["cancel_at_period_end"] else None
    behavior = details.get("proration_behavior", "create_prorations")
    planned = Change(shown["items"]["data"])
    anew, when = begins_anew(details), details.get("proration_date")
    if details.get("items") or anew:
        planned = plan_change(call, found, details.get("items") or [], behavior, when, anew=anew)
    waiting = [*pending_items(call.world, found["customer"], found["id"]), *planned.prorations]
    if call.params.get("preview_mode") == "recurring":
        waiting = []
    if planned.restarts or (behavior == "always_invoice" and planned.prorations):
        return _at_once(call, shown, planned, waiting)
    invoice = upcoming_invoice(call.world, shown, planned.items)
    invoice["lines"]["data"][:0] = [line_of_item(item) for item in waiting]
    return invoice


def _at_once(call: Call, shown: Object, planned: Change, waiting: list[Object]) -> Object:
    """The invoice that the change itself would bring."""
    now = call.world.now(shown)
    invoice = invoice_for(call.world, shown, "subscription_update", (now, now))
    lines = [line_of_item(item) for item in waiting]
    if planned.restarts:
        anew = shown | {"billing_cycle_anchor": now}
        for item in planned.items:
            if not is_metered(item):
                lines.extend(licensed_lines(call.world, shown, item, now, period_end(anew, item, now)))
    invoice["lines"]["data"] = lines
    return invoice


def _beginning(call: Call) -> Object:
    """The first invoice of a subscription that is only described, or the customer's next one."""
    if "customer" not in call.params:
        raise missing_parameter("customer")
    customer = call.store.get("customer", call.params["customer"], param="customer")
    details = call.params.get("subscription_details") or {}
    if not details.get("items"):
        invoice = new_invoice(call.world, customer, call.params.get("currency", "usd"), "upcoming")
        invoice["lines"]["data"] = [
            line_of_item(item) for item in pending_items(call.world, customer["id"], None)
        ]
        return invoice
    shown = _new(call, {"customer": customer["id"]})
    trial = _trial_end(details, shown["created"])
    shown |= {"status": "trialing" if trial else "incomplete", "trial_end": trial}
    shown["billing_cycle_anchor"] = trial or shown["created"]
    for at, given in enumerate(details["items"]):
        param = f"subscription_details[items][{at}]"
        shown["items"]["data"].append(new_subscription_item(call, shown, given, param))
    set_periods(shown, shown["created"])
    _check_items(shown)
    invoice = invoice_for(call.world, shown, "upcoming", (shown["created"], shown["created"]))
    invoice["lines"]["data"] = first_lines(call.world, shown)
    return invoice


def _described(call: Call, invoice: Object, given: Object) -> Object:
    now = call.world.now(invoice)
    text, currency = given.get("description", ""), str(given.get("currency") or invoice["currency"])
    return new_item(
        call.world, invoice["customer"], currency, given.get("amount", 0), text, period=(now, now)
    )
