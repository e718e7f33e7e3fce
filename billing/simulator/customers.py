"""Customers and their tax ids."""

from __future__ import annotations

import secrets
from typing import Any

from billing.simulator.calls import Call, answers, matching, page
from billing.simulator.refusals import Refusal
from billing.simulator.resources import changeable, deleted, readable
from billing.simulator.shapes import Object, blank, filled, part
from billing.simulator.standing import ENDED, end
from billing.simulator.store import new_id

PATH = "/v1/customers"


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A customer, with a tax id for each that is given."""
    made = new_customer(call, {name: value for name, value in call.params.items() if name != "tax_id_data"})
    for data in call.params.get("tax_id_data", []):
        add_tax_id(call, made, data)
    return made


def new_customer(call: Call, values: Object) -> Object:
    """A customer with Stripe's defaults."""
    if clock := values.get("test_clock"):
        call.store.get("test_helpers.test_clock", clock, param="test_clock")
    made = filled("customer", {"invoice_settings": {}, **values}) | {"id": new_id("cus", 14)}
    defaults: dict[str, Any] = {
        "balance": 0,
        "delinquent": False,
        "invoice_prefix": secrets.token_hex(4).upper(),
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }
    made |= {name: value for name, value in defaults.items() if made[name] is None}
    made["metadata"] = made["metadata"] or {}
    call.world.stamp(made)
    call.world.emit("customer.created", made)
    return made


def known_card(call: Call, found: Object) -> None:
    """A default card has to be one of the customer's own."""
    method = (call.params.get("invoice_settings") or {}).get("default_payment_method")
    if method and call.store.get("payment_method", method, param="payment_method")["customer"] != found["id"]:
        raise Refusal(
            f"The customer does not have a payment method with the ID {method}. The payment method must be "
            "attached to the customer.",
            param="invoice_settings[default_payment_method]",
            code="resource_missing",
        )


readable("customer", PATH)
changeable("customer", PATH, "customer.updated", known_card)


@answers("DELETE", f"{PATH}/{{}}")
def delete(call: Call) -> Object:
    """A customer's subscriptions end with it."""
    found = call.store.get("customer", call.ids[0])
    for subscription in call.store.newest_first("subscription", customer=found["id"]):
        if subscription["status"] not in ENDED:
            end(call.world, subscription, "cancellation_requested")
    return deleted(call, found, "customer.deleted")


@answers("POST", f"{PATH}/{{}}/tax_ids")
def create_tax_id(call: Call) -> Object:
    return add_tax_id(call, call.store.get("customer", call.ids[0]), call.params)


@answers("GET", f"{PATH}/{{}}/tax_ids")
def list_tax_ids(call: Call) -> Object:
    call.store.get("customer", call.ids[0])
    return page(call, call.store.newest_first("tax_id", customer=call.ids[0]))


@answers("GET", f"{PATH}/{{}}/tax_ids/{{}}")
def retrieve_tax_id(call: Call) -> Object:
    return call.store.get("tax_id", call.ids[1])


@answers("DELETE", f"{PATH}/{{}}/tax_ids/{{}}")
def delete_tax_id(call: Call) -> Object:
    return deleted(call, call.store.get("tax_id", call.ids[1]), "customer.tax_id.deleted")


def add_tax_id(call: Call, customer: Object, data: Object) -> Object:
    """A tax id, whose check by the authorities is pending for good: nobody is asked here."""
    made = blank("tax_id") | {"id": new_id("txi"), "customer": customer["id"], **_kind_and_value(data)}
    made["country"] = made["value"][:2].upper() if made["type"] == "eu_vat" else made["type"][:2].upper()
    made["owner"] = part("tax_id", "owner", type="customer", customer=customer["id"])
    made["verification"] = part("tax_id", "verification", status="pending")
    call.world.stamp(made)
    call.world.emit("customer.tax_id.created", made)
    return made


def _kind_and_value(data: Object) -> Object:
    if data["type"] == "eu_vat" and not data["value"][:2].isalpha():
        raise Refusal("Invalid value for eu_vat.", param="value", code="tax_id_invalid")
    return {"type": data["type"], "value": data["value"]}


@answers("GET", f"{PATH}/{{}}/payment_methods")
def list_payment_methods(call: Call) -> Object:
    rows = call.store.newest_first("payment_method", customer=call.ids[0])
    return page(call, matching(rows, {"type": call.params["type"]} if "type" in call.params else {}))
