"""Lines of invoices: for a period ahead, for use behind, for what changed in between."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from billing.simulator.metering import quantity_between
from billing.simulator.rating import Charge, charges
from billing.simulator.shapes import Object, blank, filled, part
from billing.simulator.store import new_id
from billing.simulator.world import World


def is_metered(item: Object) -> bool:
    """Whether an item is charged by use."""
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def licensed_lines(
    world: World, subscription: Object, item: Object, start: int, end: int
) -> Iterator[Object]:
    """An item for a period, in advance."""
    quantity = Decimal(item["quantity"] or 0)
    name = product_name(world, item["price"])
    for charge in charges(item["price"], quantity):
        text = f"{_number(charge.quantity)} × {name}{_tier(charge)}"
        yield _of_item(subscription, item, charge, text, (start, end))


def metered_lines(
    world: World, subscription: Object, item: Object, start: int, end: int, *, at_once: bool
) -> Iterator[Object]:
    """An item's use in a period, afterwards; a negative sum counts as none."""
    meter = item["price"]["recurring"]["meter"]
    used = quantity_between(world, meter, subscription["customer"], start, end, at_once=at_once)
    name = product_name(world, item["price"])
    for charge in charges(item["price"], max(Decimal(0), used)):
        text = f"{_number(charge.quantity)} × {name}{_tier(charge)}"
        yield _of_item(subscription, item, charge, text, (start, end))


def trial_line(world: World, subscription: Object, item: Object) -> Object:
    """A free period."""
    charge = Charge(Decimal(item["quantity"] or 0), Decimal(0), Decimal(0))
    start, end = item["current_period_start"], item["current_period_end"]
    text = f"Trial period for {product_name(world, item['price'])}"
    return _of_item(subscription, item, charge, text, (start, end))


def _of_item(
    subscription: Object, item: Object, charge: Charge, text: str, period: tuple[int, int]
) -> Object:
    parent = {
        "type": "subscription_item_details",
        "subscription_item_details": {
            "subscription": subscription["id"],
            "subscription_item": item["id"],
            "proration": False,
        },
    }
    return new_line(charge, text, period, parent, currency=subscription["currency"], price=item["price"]) | {
        "subscription": subscription["id"],
        "metadata": dict(item["metadata"]),
    }


def new_line(
    charge: Charge,
    text: str,
    period: tuple[int, int],
    parent: Object,
    *,
    currency: str,
    price: Object | None = None,
) -> Object:
    """One line, not yet on an invoice."""
    pricing = (
        None
        if price is None
        else {
            "type": "price_details",
            "price_details": {"price": price["id"], "product": price["product"]},
            "unit_amount_decimal": None if charge.unit is None else format(charge.unit, "f"),
        }
    )
    made = filled("line_item", {"parent": parent, "pricing": pricing or "", "discount_amounts": []})
    made |= {"id": new_id("il"), "currency": currency, "description": text, "discountable": True}
    made |= {"amount": charge.amount, "subtotal": charge.amount, "taxes": [], "pretax_credit_amounts": []}
    made |= {"quantity": int(charge.quantity), "quantity_decimal": _number(charge.quantity)}
    made["period"] = {"start": period[0], "end": period[1]}
    return made


def pending_items(world: World, customer: str, subscription: str | None) -> list[Object]:
    """What waits for the next invoice: of the subscription, or of the customer alone."""
    found = world.store.oldest_first("invoiceitem", customer=customer, invoice=None)
    return [item for item in found if subscription_of(item) in (None, subscription)]


def subscription_of(item: Object) -> str | None:
    """The subscription that an invoice item belongs to."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def line_of_item(item: Object) -> Object:
    """A pending item as a line."""
    charge = Charge(Decimal(item["quantity_decimal"]), None, Decimal(item["amount"]))
    details = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "subscription": subscription_of(item),
    }
    parent = {"type": "invoice_item_details", "invoice_item_details": details}
    period = item["period"]["start"], item["period"]["end"]
    made = new_line(charge, item["description"] or "", period, parent, currency=item["currency"])
    if item["pricing"]:
        made["pricing"] = part("line_item", "pricing", **item["pricing"])
    return made | {
        "subscription": subscription_of(item),
        "discountable": item["discountable"],
        "metadata": dict(item["metadata"] or {}),
    }


def new_item(
    world: World,
    customer: str,
    currency: str,
    amount: int,
    text: str,
    *,
    period: tuple[int, int],
    quantity: Decimal = Decimal(1),
    price: Object | None = None,
    subscription: Object | None = None,
    proration: bool = False,
) -> Object:
    """An invoice item; the caller stores it, unless it only looks ahead."""
    made = blank("invoiceitem") | {
        "id": new_id("ii"),
        "customer": customer,
        "currency": currency,
        "amount": amount,
    }
    made |= {"net_amount": amount, "description": text, "proration": proration, "discountable": not proration}
    made |= {"quantity": int(quantity), "quantity_decimal": _number(quantity), "date": world.now(customer)}
    made |= {
        "period": {"start": period[0], "end": period[1]},
        "tax_rates": [],
        "metadata": {},
        "discounts": [],
    }
    made["test_clock"] = world.clock_of(customer)
    if price is not None:
        details = {"price": price["id"], "product": price["product"]}
        made["pricing"] = part("invoiceitem", "pricing", type="price_details", price_details=details)
    if subscription is not None:
        details = {"subscription": subscription["id"]}
        made["parent"] = part(
            "invoiceitem", "parent", type="subscription_details", subscription_details=details
        )
    return made


def product_name(world: World, price: Object) -> str:
    product = world.store.find("product", price["product"])
    return product["name"] if product else str(price["product"])


def _tier(charge: Charge) -> str:
    return "" if charge.tier is None else f" (Tier {charge.tier + 1})"


def _number(value: Decimal) -> str:
    return format(value.normalize(), "f")
