"""Invoices from draft to their final form."""

from __future__ import annotations

from collections.abc import Iterable

from billing.simulator.lines import is_metered, line_of_item, metered_lines
from billing.simulator.shapes import Object, blank, empty_list, part
from billing.simulator.store import new_id
from billing.simulator.totals import add_up, discounts_for, drop_spent
from billing.simulator.world import DAY, World


def new_invoice(world: World, customer: Object, currency: str, reason: str, **values: object) -> Object:
    """An empty draft."""
    now = world.now(customer)
    made = blank("invoice") | {"id": new_id("in"), "customer": customer["id"], "currency": currency}
    made |= {"billing_reason": reason, "status": "draft", "auto_advance": False, "metadata": {}}
    made |= {
        "period_start": now,
        "period_end": now,
        "account_country": "US",
        "account_name": "Simulated account",
    }
    made |= {"issuer": part("invoice", "issuer", type="self"), "collection_method": "charge_automatically"}
    made |= {
        "starting_balance": 0,
        "test_clock": customer["test_clock"],
        "customer_tax_exempt": customer["tax_exempt"],
    }
    made |= {f"customer_{name}": customer[name] for name in ("address", "email", "name", "phone", "shipping")}
    made["customer_tax_ids"] = [
        {"type": each["type"], "value": each["value"]}
        for each in world.store.oldest_first("tax_id", customer=customer["id"])
    ]
    made["lines"] = empty_list(f"/v1/invoices/{made['id']}/lines")
    made |= values
    made["created"] = now
    return made


def invoice_for(world: World, subscription: Object, reason: str, period: tuple[int, int]) -> Object:
    """An empty draft of a subscription."""
    customer = world.store.get("customer", subscription["customer"])
    details = {"subscription": subscription["id"], "metadata": dict(subscription["metadata"])}
    parent = part("invoice", "parent", type="subscription_details", subscription_details=details)
    made = new_invoice(world, customer, subscription["currency"], reason, parent=parent)
    made |= {
        "collection_method": subscription["collection_method"],
        "period_start": period[0],
        "period_end": period[1],
    }
    made |= {"default_payment_method": subscription["default_payment_method"]}
    made["discounts"] = discounts_for(world, subscription, made["created"])
    if made["collection_method"] == "send_invoice":
        made["due_date"] = made["created"] + (subscription["days_until_due"] or 30) * DAY
    return made


def issue(world: World, invoice: Object, lines: Iterable[Object], items: Iterable[Object] = ()) -> Object:
    """Take a draft in, with lines and with items that waited for it."""
    for item in items:
        item["invoice"] = invoice["id"]
        invoice["lines"]["data"].append(line_of_item(item))
    invoice["lines"]["data"].extend(lines)
    add_up(world, invoice)
    world.store.add(invoice)
    world.emit("invoice.created", invoice)
    return invoice


def schedule_finalization(world: World, invoice: Object) -> None:
    """Leave the draft its hour of grace."""
    at = invoice["created"] + world.settings.finalize_after
    invoice |= {"auto_advance": True, "automatically_finalizes_at": at}
    world.plan(at, "finalize", invoice)


def finalize(world: World, invoice: Object) -> Object:
    """Give the invoice its number and its last figures, and settle it with the customer's balance."""
    _count_use_again(world, invoice)
    customer = world.store.get("customer", invoice["customer"])
    invoice["starting_balance"] = customer["balance"]
    add_up(world, invoice)
    _settle_balance(world, customer, invoice)
    _number(world, customer, invoice)
    world.emit("invoice.finalized", invoice)
    return invoice


def _count_use_again(world: World, invoice: Object) -> None:
    """Use that was reported since the draft, for the period that it charges, is charged with it."""
    periods = world.store.secrets[invoice["id"]].get("use", [])
    if not periods:
        return
    subscription = world.store.get("subscription", subscription_of_invoice(invoice) or "")
    items = {item["id"] for item, _, _ in periods}
    kept = [line for line in invoice["lines"]["data"] if not _is_of(line, items)]
    for item, start, end in periods:
        kept.extend(metered_lines(world, subscription, item, start, end, at_once=True))
    invoice["lines"]["data"] = kept


def _is_of(line: Object, items: set[str]) -> bool:
    details = (line["parent"] or {}).get("subscription_item_details") or {}
    return details.get("subscription_item") in items


def note_use(world: World, invoice: Object, periods: list[tuple[Object, int, int]]) -> None:
    """Remember which items are charged for which periods, to count again at the end."""
    world.store.secrets[invoice["id"]]["use"] = [each for each in periods if is_metered(each[0])]


def _settle_balance(world: World, customer: Object, invoice: Object) -> None:
    left = min(0, invoice["total"] + customer["balance"])
    invoice["ending_balance"] = left
    if left != customer["balance"]:
        previous, customer["balance"] = {"balance": customer["balance"]}, left
        world.emit("customer.updated", customer, previous)


def _number(world: World, customer: Object, invoice: Object) -> None:
    now = world.now(invoice)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    page = f"{world.address}/i/{invoice['id']}"
    invoice |= {"number": number, "status": "open", "effective_at": now, "automatically_finalizes_at": None}
    invoice |= {"hosted_invoice_url": page, "invoice_pdf": f"{page}/pdf"}
    invoice["status_transitions"]["finalized_at"] = now
    subscription = world.store.find("subscription", subscription_of_invoice(invoice))
    if subscription is not None:
        drop_spent(world, subscription, now)


def subscription_of_invoice(invoice: Object) -> str | None:
    """The subscription that an invoice is of."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found
