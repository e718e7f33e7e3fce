"""What an invoice comes to: lines, discounts, and the balance that the customer has left."""

from __future__ import annotations

from decimal import Decimal

from billing.simulator.periods import shifted
from billing.simulator.rating import rounded
from billing.simulator.refusals import Refusal, no_such
from billing.simulator.shapes import Object, blank, part
from billing.simulator.store import new_id
from billing.simulator.world import World


def add_up(world: World, invoice: Object) -> Object:
    """Work every total of an invoice out of its lines anew."""
    lines = invoice["lines"]["data"]
    for line in lines:
        line |= {"invoice": invoice["id"], "discount_amounts": []}
    subtotal = sum(line["amount"] for line in lines)
    taken = _discount(world, invoice, lines)
    total = subtotal - sum(taken.values())
    invoice["total_discount_amounts"] = [
        {"amount": amount, "discount": name} for name, amount in taken.items()
    ]
    invoice |= {"subtotal": subtotal, "subtotal_excluding_tax": subtotal, "total": total}
    invoice |= {"total_excluding_tax": total, "total_taxes": [], "total_pretax_credit_amounts": []}
    due = max(0, total + invoice["starting_balance"])
    invoice |= {"amount_due": due, "amount_remaining": due - invoice["amount_paid"]}
    return invoice


def _discount(world: World, invoice: Object, lines: list[Object]) -> dict[str, int]:
    """What each discount takes off; it is spread over the lines, and no line goes below nothing."""
    taken: dict[str, int] = {}
    for name in invoice["discounts"]:
        coupon = coupon_of(world, world.store.get("discount", name))
        left = {line["id"]: _left(line) for line in lines if line["discountable"] and _left(line) > 0}
        amounts = _spread(coupon, left)
        taken[name] = sum(amounts.values())
        for line in lines:
            if amounts.get(line["id"]):
                line["discount_amounts"].append({"amount": amounts[line["id"]], "discount": name})
    return taken


def _left(line: Object) -> int:
    return int(line["amount"]) - sum(int(each["amount"]) for each in line["discount_amounts"])


def _spread(coupon: Object, left: dict[str, int]) -> dict[str, int]:
    if coupon["percent_off"] is not None:
        share = Decimal(str(coupon["percent_off"])) / 100
        return {name: rounded(amount * share) for name, amount in left.items()}
    whole = sum(left.values())
    rest = min(int(coupon["amount_off"]), whole)
    amounts = {name: rest * amount // whole for name, amount in left.items()}
    # The cents that are over go to the first lines.
    for name in list(amounts)[: rest - sum(amounts.values())]:
        amounts[name] += 1
    return amounts


def coupon_of(world: World, discount: Object) -> Object:
    return world.store.get("coupon", discount["source"]["coupon"])


def apply_discounts(world: World, given: list[Object], owner: Object) -> list[str]:
    """The discounts that parameters ask for, on a subscription or an invoice."""
    return [_applied(world, each, owner)["id"] for each in given]


def _applied(world: World, given: Object, owner: Object) -> Object:
    if name := given.get("discount"):
        return world.store.get("discount", name, param="discounts")
    name = given.get("promotion_code")
    code = world.store.get("promotion_code", name, param="discounts") if name else None
    coupon = world.store.find("coupon", code["promotion"]["coupon"] if code else given.get("coupon"))
    if coupon is None:
        raise no_such("coupon", str(given.get("coupon")), param="discounts[0][coupon]", status=400)
    if not coupon["valid"]:
        raise Refusal(
            f"Coupon {coupon['id']} has been used as often as it may be.", param="discounts[0][coupon]"
        )
    return redeem(world, coupon, code, owner)


def redeem(world: World, coupon: Object, code: Object | None, owner: Object) -> Object:
    """Use a coupon up by one, for a subscription or an invoice."""
    start = world.now(owner)
    made = blank("discount") | {"id": new_id("di"), "customer": owner["customer"], "start": start}
    made |= {owner["object"]: owner["id"], "promotion_code": code["id"] if code else None}
    made["source"] = part("discount", "source", type="coupon", coupon=coupon["id"])
    if coupon["duration"] == "repeating":
        made["end"] = shifted(start, "month", coupon["duration_in_months"])
    for each in filter(None, (coupon, code)):
        each["times_redeemed"] += 1
    if coupon["max_redemptions"] is not None:
        coupon["valid"] = coupon["times_redeemed"] < coupon["max_redemptions"]
    world.store.add(made)
    world.emit("customer.discount.created", made)
    return made


def discounts_for(world: World, subscription: Object, at: int) -> list[str]:
    """The discounts of a subscription that still hold for an invoice at a moment."""
    found = [world.store.get("discount", name) for name in subscription["discounts"]]
    return [each["id"] for each in found if each["end"] is None or each["end"] > at]


def drop_spent(world: World, subscription: Object, at: int) -> None:
    """A coupon for once is gone after its first invoice, a repeating one after its months."""
    for name in list(subscription["discounts"]):
        discount = world.store.get("discount", name)
        once = coupon_of(world, discount)["duration"] == "once"
        if once or (discount["end"] is not None and discount["end"] <= at):
            subscription["discounts"].remove(name)
            world.emit("customer.discount.deleted", discount)
