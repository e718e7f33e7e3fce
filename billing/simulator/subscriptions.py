"""Subscriptions from their start to their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from billing.simulator.calls import Call, answers, page
from billing.simulator.cards import method_for
from billing.simulator.catalogue import plan_of, price_of
from billing.simulator.collecting import collect, intent_of, mark_paid
from billing.simulator.invoicing import finalize, invoice_for, issue
from billing.simulator.lines import (
    is_metered,
    licensed_lines,
    line_of_item,
    metered_lines,
    new_item,
    pending_items,
    trial_line,
)
from billing.simulator.periods import next_boundary, whole_period
from billing.simulator.rating import total
from billing.simulator.refusals import Refusal, missing_parameter
from billing.simulator.resources import one
from billing.simulator.shapes import Object, blank, empty_list, filled, part
from billing.simulator.standing import ENDED, change, end
from billing.simulator.store import new_id
from billing.simulator.totals import apply_discounts
from billing.simulator.world import DAY, HOUR, World

PATH = "/v1/subscriptions"
# They would change what is charged, and the simulator does not follow them.
NOT_FOLLOWED = frozenset(
    "application_fee_percent billing_cycle_anchor_config billing_schedules billing_thresholds default_tax_rates "
    "pending_invoice_item_interval transfer_data backdate_start_date".split()
)
# They are not fields of the object, or become fields in a way of their own.
STEERING = frozenset(
    "items trial_end trial_period_days discounts add_invoice_items payment_behavior proration_behavior cancel_at "
    "proration_date off_session expand billing_cycle_anchor billing_mode trial_from_plan cancellation_details".split()
)


@answers("POST", PATH)
def create(call: Call) -> Object:
    """A subscription, its first invoice, and the attempt to get it paid."""
    refuse_not_followed(call.params)
    if "customer" not in call.params:
        raise missing_parameter("customer")
    call.store.get("customer", call.params["customer"], param="customer")
    with undone_if_refused(call, call.params.get("payment_behavior") == "error_if_incomplete"):
        return start(call, call.params)


def refuse_not_followed(params: Object) -> None:
    """Better no answer than a wrong one."""
    if found := sorted(NOT_FOLLOWED & params.keys()):
        raise Refusal(
            f"The simulator does not follow {found[0]}.", param=found[0], code="not_simulated", status=501
        )


@contextmanager
def undone_if_refused(call: Call, strict: bool) -> Iterator[None]:
    """Without a trace, where the caller wants all or nothing."""
    if not strict:
        yield
        return
    before = call.world.snapshot()
    try:
        yield
    except Refusal:
        call.world.restore(before)
        raise


def start(call: Call, values: Object) -> Object:
    """Begin a subscription now."""
    world = call.world
    made = _new(call, values)
    now = made["created"]
    trial_end = _trial_end(values, now)
    made["status"] = "trialing" if trial_end else "incomplete"
    made |= {"trial_start": now if trial_end else None, "trial_end": trial_end}
    made["billing_cycle_anchor"] = trial_end or values.get("billing_cycle_anchor") or now
    for at, given in enumerate(values.get("items") or []):
        made["items"]["data"].append(new_subscription_item(call, made, given, f"items[{at}]"))
    set_periods(made, now)
    _check_items(made)
    world.store.add(made)
    made["discounts"] = apply_discounts(world, values.get("discounts") or [], made)
    world.emit("customer.subscription.created", made)
    _add_items(call, made, values.get("add_invoice_items") or [])
    plan_ahead(world, made)
    _first_invoice(world, made, values.get("payment_behavior", "allow_incomplete"))
    set_cancel(world, made, values)
    return made


def _new(call: Call, values: Object) -> Object:
    plain = {name: value for name, value in values.items() if name not in STEERING}
    made = filled("subscription", plain) | {
        "id": new_id("sub"),
        "test_clock": call.world.clock_of(values["customer"]),
    }
    made["billing_mode"] = part(
        "subscription", "billing_mode", **values.get("billing_mode", {"type": "flexible"})
    )
    made["items"] = empty_list(f"/v1/subscription_items?subscription={made['id']}")
    made["trial_settings"] = made["trial_settings"] or {
        "end_behavior": {"missing_payment_method": "create_invoice"}
    }
    made["invoice_settings"] = made["invoice_settings"] | {"issuer": {"type": "self"}}
    made |= {"default_tax_rates": [], "cancellation_details": part("subscription", "cancellation_details")}
    made["created"] = made["start_date"] = call.world.now(made)
    return made


def _trial_end(values: Object, now: int) -> int | None:
    if days := values.get("trial_period_days"):
        return now + int(days) * DAY
    given = values.get("trial_end")
    return None if given in (None, "now") or int(given) <= now else int(given)


def new_subscription_item(call: Call, subscription: Object, given: Object, param: str) -> Object:
    """An item, with its price and the plan that repeats it."""
    price = price_of(call, given, param)
    if not price["recurring"]:
        raise Refusal(
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`.",
            param=f"{param}[price]",
        )
    if price["recurring"]["usage_type"] == "metered" and "quantity" in given:
        raise Refusal("You cannot set the quantity of a metered price.", param=f"{param}[quantity]")
    made = blank("subscription_item") | {"id": new_id("si", 14), "subscription": subscription["id"]}
    made |= {"price": price, "plan": plan_of(price), "metadata": dict(given.get("metadata") or {})}
    made |= {"created": call.world.now(subscription), "tax_rates": [], "billed_until": None}
    made["quantity"] = (
        None if price["recurring"]["usage_type"] == "metered" else int(given.get("quantity", 1))
    )
    return made


def _check_items(subscription: Object) -> None:
    items = subscription["items"]["data"]
    if not items:
        raise missing_parameter("items")
    currencies = {item["price"]["currency"] for item in items}
    if len(currencies) > 1:
        raise Refusal("All prices on a subscription must use the same currency.", param="items")
    if len({item["price"]["id"] for item in items}) < len(items):
        raise Refusal("Cannot add multiple subscription items with the same price.", param="items")
    subscription["currency"] = currencies.pop()


def set_periods(subscription: Object, now: int) -> None:
    """The current period of each item, from now on."""
    for item in subscription["items"]["data"]:
        item |= {"current_period_start": now, "current_period_end": period_end(subscription, item, now)}


def period_end(subscription: Object, item: Object, now: int) -> int:
    """Where the period that holds a moment ends."""
    trial, anchor = subscription["trial_end"], subscription["billing_cycle_anchor"]
    if trial and trial > now:
        return int(trial)
    recurring = item["price"]["recurring"]
    return next_boundary(anchor, recurring["interval"], recurring["interval_count"], now)


def whole_start(subscription: Object, item: Object, now: int) -> int:
    """Where a whole period that holds a moment would begin."""
    recurring = item["price"]["recurring"]
    anchor = subscription["billing_cycle_anchor"]
    return whole_period(anchor, recurring["interval"], recurring["interval_count"], now)[0]


def plan_ahead(world: World, subscription: Object) -> None:
    """Put what will happen to a subscription on the agenda."""
    ends = min(item["current_period_end"] for item in subscription["items"]["data"])
    world.plan(ends, "renew", subscription)
    now = world.now(subscription)
    if subscription["status"] == "trialing":
        world.plan(max(now, subscription["trial_end"] - 3 * DAY), "trial_will_end", subscription)
    upcoming = ends - world.settings.upcoming_days * DAY
    if upcoming > now:
        world.plan(upcoming, "upcoming", subscription)


def _add_items(call: Call, subscription: Object, given: list[Object]) -> None:
    now = call.world.now(subscription)
    for at, each in enumerate(given):
        price = price_of(call, each, f"add_invoice_items[{at}]")
        quantity = int(each.get("quantity", 1))
        made = new_item(
            call.world,
            subscription["customer"],
            price["currency"],
            total(price, _decimal(quantity)),
            f"{quantity} × {price['nickname'] or price['product']}",
            period=(now, now),
            quantity=_decimal(quantity),
            price=price,
            subscription=subscription,
        )
        call.world.store.add(made)


def _decimal(value: int) -> Any:
    from decimal import Decimal

    return Decimal(value)


def _first_invoice(world: World, subscription: Object, behavior: str) -> None:
    invoice = first_draft(world, subscription)
    items = pending_items(world, subscription["customer"], subscription["id"])
    lines = first_lines(world, subscription)
    if not lines and not items:
        change(world, subscription, status="trialing" if subscription["trial_end"] else "active")
        return
    issue(world, invoice, lines, items)
    subscription["latest_invoice"] = invoice["id"]
    finalize(world, invoice)
    if subscription["collection_method"] == "send_invoice":
        change(world, subscription, status="active" if subscription["status"] == "incomplete" else "trialing")
        world.plan(invoice["due_date"], "overdue", invoice)
    elif not invoice["amount_due"]:
        mark_paid(world, invoice, None)
    else:
        _collect_first(world, subscription, invoice, behavior)


def first_draft(world: World, subscription: Object) -> Object:
    """The draft of the first invoice."""
    now = subscription["created"]
    return invoice_for(world, subscription, "subscription_create", (now, now))


def first_lines(world: World, subscription: Object) -> list[Object]:
    """What is charged at the start: licensed items in advance, nothing during a trial."""
    found: list[Object] = []
    for item in subscription["items"]["data"]:
        start, end = item["current_period_start"], item["current_period_end"]
        if subscription["status"] == "trialing":
            found.append(trial_line(world, subscription, item))
        elif is_metered(item):
            continue
        elif whole_start(subscription, item, start) == start:
            found.extend(licensed_lines(world, subscription, item, start, end))
        else:
            found.append(_first_part(world, subscription, item, start))
    return found


def _first_part(world: World, subscription: Object, item: Object, now: int) -> Object:
    """Up to an anchor that lies ahead, a part of a period is charged."""
    from billing.simulator.changing import part_of_period

    return line_of_item(part_of_period(world, subscription, item, now, sign=1))


def _collect_first(world: World, subscription: Object, invoice: Object, behavior: str) -> None:
    world.plan(world.now(subscription) + 23 * HOUR, "expire_incomplete", subscription)
    if behavior == "default_incomplete":
        intent_of(world, invoice)
        return
    customer = world.store.get("customer", subscription["customer"])
    refusal = collect(world, invoice)
    missing = method_for(world, customer, subscription) is None
    if refusal is not None and (missing or behavior == "error_if_incomplete"):
        raise refusal


def set_cancel(world: World, subscription: Object, values: Object) -> None:
    """When it shall end, if it shall."""
    if "cancel_at" not in values and "cancel_at_period_end" not in values:
        return
    at = _cancel_at(subscription, values)
    details = {**subscription["cancellation_details"], **(values.get("cancellation_details") or {})}
    details["reason"] = "cancellation_requested" if at else None
    changed: dict[str, Any] = {"cancel_at": at, "cancellation_details": details}
    changed["cancel_at_period_end"] = bool(values.get("cancel_at_period_end"))
    changed["canceled_at"] = world.now(subscription) if at else None
    change(world, subscription, **changed)
    if at:
        world.plan(at, "renew", subscription)


def _cancel_at(subscription: Object, values: Object) -> int | None:
    given = values.get("cancel_at")
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    if values.get("cancel_at_period_end") or given == "min_period_end":
        return int(min(ends))
    if given in ("max_period_end", "max_billed_until"):
        return int(max(ends))
    return int(given) if given else None


@answers("DELETE", f"{PATH}/{{}}")
def cancel(call: Call) -> Object:
    """End a subscription at once; its use is charged if the caller says so."""
    found = call.store.get("subscription", call.ids[0])
    if found["status"] in ENDED:
        raise Refusal(
            f"No such subscription: '{found['id']}'", param="id", code="resource_missing", status=404
        )
    if details := call.params.get("cancellation_details"):
        found["cancellation_details"] = found["cancellation_details"] | details
    if call.params.get("prorate"):
        from billing.simulator.changing import credit_rest

        credit_rest(call.world, found)
    if call.params.get("invoice_now"):
        last_invoice(call.world, found, call.world.now(found))
    cancel_now(call.world, found)
    return found


def cancel_now(world: World, subscription: Object, reason: str = "cancellation_requested") -> None:
    """The end, with open drafts left to nobody."""
    end(world, subscription, reason)
    for invoice in world.store.oldest_first("invoice", status="draft"):
        if invoice["id"] == subscription["latest_invoice"] and not invoice["amount_due"]:
            invoice["auto_advance"] = False


def last_invoice(world: World, subscription: Object, until: int) -> Object | None:
    """What is still to be charged at the end: use, and what waits."""
    from billing.simulator.collecting import finalize_and_collect

    lines = [
        line
        for item in subscription["items"]["data"]
        if is_metered(item) and subscription["status"] != "trialing"
        for line in metered_lines(
            world, subscription, item, item["current_period_start"], until, at_once=True
        )
    ]
    items = pending_items(world, subscription["customer"], subscription["id"])
    if not items and not any(line["quantity"] or line["amount"] for line in lines):
        return None
    begin = min(item["current_period_start"] for item in subscription["items"]["data"])
    invoice = invoice_for(world, subscription, "subscription_cycle", (begin, until))
    issue(world, invoice, lines, items)
    invoice["auto_advance"] = True
    subscription["latest_invoice"] = invoice["id"]
    finalize_and_collect(world, invoice)
    return invoice


@answers("POST", f"{PATH}/{{}}/resume")
def resume(call: Call) -> Object:
    """Go on after a trial that ended without a card."""
    found = call.store.get("subscription", call.ids[0])
    if found["status"] != "paused":
        raise Refusal("Only paused subscriptions can be resumed.", param="subscription")
    now = call.world.now(found)
    if call.params.get("billing_cycle_anchor", "now") == "now":
        found["billing_cycle_anchor"] = now
    found["status"] = "incomplete"
    set_periods(found, now)
    invoice = invoice_for(call.world, found, "subscription_update", (now, now))
    issue(call.world, invoice, first_lines(call.world, found))
    found["latest_invoice"] = invoice["id"]
    finalize(call.world, invoice)
    collect(call.world, invoice)
    call.world.emit("customer.subscription.resumed", found)
    plan_ahead(call.world, found)
    return found


@answers("DELETE", f"{PATH}/{{}}/discount")
def delete_discount(call: Call) -> Object:
    found = call.store.get("subscription", call.ids[0])
    names, found["discounts"] = found["discounts"], []
    if not names:
        raise Refusal("This subscription does not have a discount.", code="resource_missing", status=404)
    discount = call.store.get("discount", names[0])
    call.world.emit("customer.discount.deleted", discount)
    return call.store.remove(discount)


@answers("GET", PATH)
def list_subscriptions(call: Call) -> Object:
    """All that have not ended, unless a status is asked for."""
    status = call.params.get("status")
    rows = [row for row in call.store.newest_first("subscription") if _is_wanted(row, status)]
    rows = [row for row in rows if call.params.get("customer") in (None, row["customer"])]
    if price := call.params.get("price"):
        rows = [row for row in rows if any(item["price"]["id"] == price for item in row["items"]["data"])]
    return page(call, rows)


def _is_wanted(row: Object, status: str | None) -> bool:
    if status in (None, "all"):
        return status == "all" or row["status"] not in ENDED
    return bool(row["status"] in ENDED if status == "ended" else row["status"] == status)


one("subscription", PATH)
