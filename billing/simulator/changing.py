"""Changes of a running subscription: items, quantities, trial, card, with what they cost pro rata."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.simulator.calls import Call, answers
from billing.simulator.collecting import collect, finalize_and_collect
from billing.simulator.invoicing import finalize, invoice_for, issue
from billing.simulator.lines import (
    is_metered,
    licensed_lines,
    metered_lines,
    new_item,
    pending_items,
    product_name,
)
from billing.simulator.rating import rounded, total
from billing.simulator.refusals import Refusal, no_such
from billing.simulator.shapes import Object, filled, part
from billing.simulator.standing import ENDED, change
from billing.simulator.subscriptions import (
    PATH,
    STEERING,
    _add_items,
    new_subscription_item,
    period_end,
    plan_ahead,
    refuse_not_followed,
    set_cancel,
    set_periods,
    undone_if_refused,
    whole_start,
)
from billing.simulator.totals import apply_discounts
from billing.simulator.world import World


@dataclass
class Change:
    """What a change of items comes to: the items afterwards, and what has to be charged or credited."""

    items: list[Object]
    prorations: list[Object] = field(default_factory=list)
    # Use of items that go at the end of their period, for the renewal to charge.
    retired: list[tuple[Object, int, int]] = field(default_factory=list)
    # Another interval begins a new period at once.
    restarts: bool = False


@answers("POST", f"{PATH}/{{}}")
def update(call: Call) -> Object:
    """Change a subscription; money follows as `proration_behavior` says."""
    refuse_not_followed(call.params)
    found = call.store.get("subscription", call.ids[0])
    if found["status"] in ENDED and call.params.keys() - {"metadata", "cancellation_details", "expand"}:
        raise Refusal(
            "A canceled subscription can only update its cancellation_details and metadata.", param="id"
        )
    with undone_if_refused(call, call.params.get("payment_behavior") == "error_if_incomplete"):
        _update(call, found)
    return found


def _update(call: Call, found: Object) -> None:
    plain = {
        name: value for name, value in call.params.items() if name not in STEERING | {"cancel_at_period_end"}
    }
    values = {
        name: filled("subscription", plain, onto=copy.deepcopy(found))[name]
        for name in plain
        if name in found
    }
    if "discounts" in call.params:
        values["discounts"] = apply_discounts(call.world, call.params["discounts"] or [], found)
    change(call.world, found, **values)
    _add_items(call, found, call.params.get("add_invoice_items") or [])
    if "trial_end" in call.params:
        _change_trial(call.world, found, call.params["trial_end"])
    if "items" in call.params or begins_anew(call.params):
        change_items(call, found)
    set_cancel(call.world, found, call.params)


def _change_trial(world: World, found: Object, given: Any) -> None:
    """Ending a trial now charges the first period at once; a later end only moves it."""
    now = world.now(found)
    if given == "now":
        if found["status"] == "trialing":
            change(world, found, trial_end=now)
            from billing.simulator.renewals import renew

            renew(world, found, now)
        return
    change(world, found, trial_end=int(given), status="trialing", trial_start=found["trial_start"] or now)
    found["billing_cycle_anchor"] = int(given)
    for item in found["items"]["data"]:
        item["current_period_end"] = int(given)
    plan_ahead(world, found)


def change_items(call: Call, found: Object) -> None:
    """Take the new items over and charge the difference."""
    world, params = call.world, call.params
    behavior = params.get("proration_behavior", "create_prorations")
    anew, when = begins_anew(params), params.get("proration_date")
    planned = plan_change(call, found, params.get("items") or [], behavior, when, anew=anew)
    pending = params.get("payment_behavior") == "pending_if_incomplete"
    before = copy.deepcopy(found["items"]["data"])
    found["items"]["data"] = planned.items
    world.store.secrets[found["id"]].setdefault("retired", []).extend(planned.retired)
    for item in planned.prorations:
        world.store.add(item)
        world.emit("invoiceitem.created", item)
    if planned.restarts:
        _restart(world, found)
    elif behavior == "always_invoice" and planned.prorations:
        _invoice_at_once(world, found, before, pending=pending)
    world.emit("customer.subscription.updated", found, {"items": {"data": before}})
    plan_ahead(world, found)


def plan_change(
    call: Call, found: Object, given: list[Object], behavior: str, when: int | None, *, anew: bool = False
) -> Change:
    """What a change would come to; nothing is stored yet."""
    now = when or call.world.now(found)
    planned = Change(copy.deepcopy(found["items"]["data"]))
    for at, each in enumerate(given):
        _change_item(call, found, planned, _Wish(each, f"items[{at}]", now, prorates=behavior != "none"))
    if not planned.items:
        raise Refusal("A subscription must have at least one active item.", param="items")
    other = anew or _interval(planned.items) != _interval(found["items"]["data"])
    if other and found["status"] != "trialing":
        _restart_prorations(call.world, found, planned, now, prorates=behavior != "none")
    return planned


def _restart_prorations(world: World, found: Object, planned: Change, now: int, *, prorates: bool) -> None:
    """A new period begins: the old one is credited for every item, and nothing of it is charged."""
    planned.restarts = True
    used = [item for item in planned.prorations if not item["proration"]]
    old = [item for item in found["items"]["data"] if not is_metered(item)]
    credited = [part_of_period(world, found, item, now, sign=-1) for item in old] if prorates else []
    planned.prorations = [*used, *credited]


def begins_anew(params: Object) -> bool:
    """Whether a change moves the anchor to now; to another moment it cannot be moved here."""
    kind = (params.get("billing_cycle_anchor") or {}).get("type", "unchanged")
    if kind == "timestamp":
        message = "The simulator moves an anchor to now and to no other moment."
        raise Refusal(message, param="billing_cycle_anchor", code="not_simulated", status=501)
    return bool(kind == "now")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What shall become of one item, and when."""

    given: Object
    param: str
    now: int
    prorates: bool


def _interval(items: list[Object]) -> set[tuple[str, int]]:
    recurring = [item["price"]["recurring"] for item in items]
    return {(each["interval"], each["interval_count"]) for each in recurring}


def _change_item(call: Call, found: Object, planned: Change, wish: _Wish) -> None:
    name = wish.given.get("id")
    old = next((item for item in planned.items if item["id"] == name), None)
    if name and old is None:
        raise no_such("subscription_item", name, param=f"{wish.param}[id]", status=400)
    new = None if wish.given.get("deleted") else _new_version(call, found, old, wish)
    if old is None or new is None or _differs(old, new):
        _charge_change(call.world, found, planned, (old, new), wish)
    planned.items = [item for item in planned.items if item is not old]
    if new is not None:
        planned.items.append(new)


def _charge_change(
    world: World, found: Object, planned: Change, items: tuple[Object | None, Object | None], wish: _Wish
) -> None:
    """Use up to now by the old price; the rest of the period credited by the old and charged by the new one."""
    old, new = items
    if (
        old is not None
        and is_metered(old)
        and not wish.given.get("clear_usage")
        and found["status"] != "trialing"
    ):
        _settle_use(world, found, planned, old, wish.now)
    if not wish.prorates or found["status"] in ("trialing", "incomplete"):
        return
    for item, sign in ((old, -1), (new, 1)):
        if item is not None and not is_metered(item) and item["current_period_end"] > wish.now:
            planned.prorations.append(part_of_period(world, found, item, wish.now, sign=sign))


def _settle_use(world: World, found: Object, planned: Change, old: Object, now: int) -> None:
    if old["current_period_end"] <= now:
        # Its period ends with this very change: the renewal charges it, and leaves it the hour of grace.
        planned.retired.append((old, old["current_period_start"], old["current_period_end"]))
    else:
        planned.prorations.extend(_use_until(world, found, old, now))


def _new_version(call: Call, found: Object, old: Object | None, wish: _Wish) -> Object:
    given, now = wish.given, wish.now
    if old is None:
        made = new_subscription_item(call, found, given, wish.param)
        renews = any(item["current_period_end"] <= now for item in found["items"]["data"])
        end = now if renews else period_end(found, made, now)
        return made | {"current_period_start": now, "current_period_end": end}
    values = {"price": old["price"]["id"], "metadata": {**old["metadata"], **(given.get("metadata") or {})}}
    if "price_data" in given:
        values.pop("price")
    made = new_subscription_item(call, found, {**values, **given}, wish.param)
    made |= {"id": old["id"], "created": old["created"]}
    if made["quantity"] is not None and "quantity" not in given and old["quantity"] is not None:
        made["quantity"] = old["quantity"]
    # Use before the change was charged by the old price, so the new one counts from here.
    start = now if is_metered(made) and _differs(old, made) else old["current_period_start"]
    return made | {"current_period_start": start, "current_period_end": old["current_period_end"]}


def _differs(old: Object, new: Object) -> bool:
    return (old["price"]["id"], old["quantity"]) != (new["price"]["id"], new["quantity"])


def part_of_period(world: World, found: Object, item: Object, now: int, *, sign: int) -> Object:
    """The rest of the period of an item, to the second; credited or charged."""
    end = item["current_period_end"]
    # An item may have begun in the middle of the others' period: what counts is how long a whole one is.
    start = whole_start(found, item, now)
    share = Decimal(max(0, end - now)) / Decimal(max(1, end - start))
    amount = rounded(total(item["price"], Decimal(item["quantity"] or 0)) * share)
    word = "Unused" if sign < 0 else "Remaining"
    text = f"{word} time on {item['quantity']} × {product_name(world, item['price'])}"
    return new_item(
        world,
        found["customer"],
        found["currency"],
        sign * amount,
        text,
        period=(now, end),
        quantity=Decimal(item["quantity"] or 0),
        price=item["price"],
        subscription=found,
        proration=True,
    )


def _use_until(world: World, found: Object, item: Object, now: int) -> list[Object]:
    """The use of a metered item that goes or gets another price, up to now."""
    lines = metered_lines(world, found, item, item["current_period_start"], now, at_once=True)
    return [
        new_item(
            world,
            found["customer"],
            found["currency"],
            line["amount"],
            line["description"],
            period=(item["current_period_start"], now),
            quantity=Decimal(line["quantity_decimal"]),
            price=item["price"],
            subscription=found,
        )
        for line in lines
        if line["quantity"] or line["amount"]
    ]


def _restart(world: World, found: Object) -> None:
    """A new period from now on, charged at once."""
    now = world.now(found)
    found["billing_cycle_anchor"] = now
    set_periods(found, now)
    lines = [
        line
        for item in found["items"]["data"]
        if not is_metered(item)
        for line in licensed_lines(world, found, item, now, item["current_period_end"])
    ]
    invoice = invoice_for(world, found, "subscription_update", (now, now))
    issue(world, invoice, lines, pending_items(world, found["customer"], found["id"]))
    invoice["auto_advance"] = True
    found["latest_invoice"] = invoice["id"]
    finalize_and_collect(world, invoice)


def _invoice_at_once(world: World, found: Object, before: list[Object], *, pending: bool) -> None:
    """Charge the difference now; where it cannot be charged, the change waits if the caller wants that."""
    now = world.now(found)
    invoice = invoice_for(world, found, "subscription_update", (now, now))
    issue(world, invoice, [], pending_items(world, found["customer"], found["id"]))
    found["latest_invoice"] = invoice["id"]
    if not pending:
        invoice["auto_advance"] = True
        finalize_and_collect(world, invoice)
        return
    world.store.secrets[invoice["id"]]["pending_update"] = True
    finalize(world, invoice)
    if collect(world, invoice) is not None:
        _hold_back(world, found, before, now)


def _hold_back(world: World, found: Object, before: list[Object], now: int) -> None:
    wanted, found["items"]["data"] = found["items"]["data"], before
    expires = now + 23 * 3600
    found["pending_update"] = part(
        "subscription", "pending_update", expires_at=expires, subscription_items=wanted
    )
    world.plan(expires, "expire_pending", found)


def commit_pending(world: World, found: Object) -> None:
    """The invoice of a change was paid: the change holds."""
    found["items"]["data"] = found["pending_update"]["subscription_items"]
    found["pending_update"] = None
    world.emit("customer.subscription.pending_update_applied", found)


def expire_pending(world: World, found: Object) -> None:
    """Nobody paid for the change: it is dropped, and its invoice is void."""
    if not found["pending_update"] or found["pending_update"]["expires_at"] > world.now(found):
        return
    found["pending_update"] = None
    invoice = world.store.find("invoice", found["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoice["status"] = "void"
        world.emit("invoice.voided", invoice)
    world.emit("customer.subscription.pending_update_expired", found)


def credit_rest(world: World, found: Object) -> None:
    """Give back the rest of the period when it ends early."""
    now = world.now(found)
    for item in found["items"]["data"]:
        if not is_metered(item):
            world.store.add(part_of_period(world, found, item, now, sign=-1))
