"""What time brings to subscriptions: renewals, the ends of trials, of grace and of everything."""

from __future__ import annotations

from billing.simulator.cards import method_for
from billing.simulator.collecting import finalize_and_collect
from billing.simulator.invoicing import (
    invoice_for,
    issue,
    note_use,
    schedule_finalization,
    subscription_of_invoice,
)
from billing.simulator.lines import is_metered, licensed_lines, metered_lines, pending_items
from billing.simulator.rendering import rendered
from billing.simulator.shapes import Object
from billing.simulator.standing import ENDED, change, end
from billing.simulator.subscriptions import last_invoice, period_end, plan_ahead
from billing.simulator.totals import add_up
from billing.simulator.world import DAY, World


def renew(world: World, found: Object, now: int) -> None:
    """The end of a period, of a trial, or of the subscription, whichever it is."""
    if found["status"] in ENDED or found["status"] == "paused":
        return
    if found["cancel_at"] and found["cancel_at"] <= now:
        last_invoice(world, found, found["cancel_at"])
        end(world, found, "cancellation_requested")
        return
    if found["status"] == "trialing":
        _end_trial(world, found, now)
        return
    due = [item for item in found["items"]["data"] if item["current_period_end"] <= now]
    if due:
        _next_period(world, found, due, now, charges_use=True)


def _end_trial(world: World, found: Object, now: int) -> None:
    if found["trial_end"] > now:
        return
    customer = world.store.get("customer", found["customer"])
    behavior = found["trial_settings"]["end_behavior"]["missing_payment_method"]
    has_card = method_for(world, customer, found) is not None or found["collection_method"] == "send_invoice"
    if has_card or behavior == "create_invoice":
        change(world, found, status="active", billing_cycle_anchor=now)
        for item in found["items"]["data"]:
            item["current_period_end"] = now
        _next_period(world, found, found["items"]["data"], now, charges_use=False)
    elif behavior == "pause":
        change(world, found, "customer.subscription.paused", status="paused")
    else:
        end(world, found, "payment_failed")


def _next_period(world: World, found: Object, due: list[Object], now: int, *, charges_use: bool) -> None:
    """Charge what was used, charge the next period in advance, and move on."""
    used = _used(world, found, due) if charges_use else []
    start = min(item["current_period_start"] for item in due)
    before = {"items": {"data": rendered(found["items"]["data"])}}
    for item in due:
        begins = item["current_period_end"]
        item |= {"current_period_start": begins, "current_period_end": period_end(found, item, begins)}
    invoice = invoice_for(world, found, "subscription_cycle", (start, now))
    note_use(world, invoice, used)
    lines = renewal_lines(world, found, due, used, at_once=True)
    issue(world, invoice, lines, pending_items(world, found["customer"], found["id"]))
    found["latest_invoice"] = invoice["id"]
    world.emit("customer.subscription.updated", found, before | {"latest_invoice": None})
    _release(world, found, invoice)
    plan_ahead(world, found)


def _used(world: World, found: Object, due: list[Object]) -> list[tuple[Object, int, int]]:
    """The periods behind: of the items, and of those that a change took away at this very moment."""
    retired: list[tuple[Object, int, int]] = world.store.secrets[found["id"]].pop("retired", [])
    own = [(dict(item), item["current_period_start"], item["current_period_end"]) for item in due]
    return retired + [(item, start, finish) for item, start, finish in own if start < finish]


def renewal_lines(
    world: World, found: Object, due: list[Object], used: list[tuple[Object, int, int]], *, at_once: bool
) -> list[Object]:
    """Use of the period behind, then licensed items for the one ahead."""
    lines: list[Object] = []
    for item, start, finish in used:
        if is_metered(item):
            lines.extend(metered_lines(world, found, item, start, finish, at_once=at_once))
    for item in due:
        if not is_metered(item):
            start, finish = item["current_period_start"], item["current_period_end"]
            lines.extend(licensed_lines(world, found, item, start, finish))
    return lines


def _release(world: World, found: Object, invoice: Object) -> None:
    """Let the draft go its way, unless collection is paused or has failed for good."""
    behavior = (found["pause_collection"] or {}).get("behavior")
    if found["status"] == "unpaid" or behavior == "keep_as_draft":
        return
    if behavior in ("void", "mark_uncollectible"):
        invoice["status"] = "void" if behavior == "void" else "uncollectible"
        world.emit("invoice.voided" if behavior == "void" else "invoice.marked_uncollectible", invoice)
        return
    schedule_finalization(world, invoice)


def trial_will_end(world: World, found: Object, now: int) -> None:
    """Three days before, or at once in a shorter trial."""
    if found["status"] == "trialing" and found["trial_end"] - 3 * DAY <= now < found["trial_end"]:
        world.emit("customer.subscription.trial_will_end", found)


def upcoming(world: World, found: Object, now: int) -> None:
    """Some days before the renewal: the invoice as it would be now, which has no id yet."""
    ends = min(item["current_period_end"] for item in found["items"]["data"])
    soon = ends - world.settings.upcoming_days * DAY <= now < ends
    if found["status"] in ENDED or found["cancel_at"] or not soon:
        return
    invoice = upcoming_invoice(world, found)
    invoice["id"] = None
    world.emit("invoice.upcoming", invoice)


def upcoming_invoice(world: World, found: Object, items: list[Object] | None = None) -> Object:
    """The next invoice of a subscription, worked out and not kept."""
    rows = found["items"]["data"] if items is None else items
    ends = min(item["current_period_end"] for item in rows)
    due = [dict(item) for item in rows if item["current_period_end"] == ends]
    trial = found["status"] == "trialing"
    used = [] if trial else [(dict(item), item["current_period_start"], ends) for item in due]
    shifted = found | ({"billing_cycle_anchor": found["trial_end"], "trial_end": None} if trial else {})
    for item in due:
        item |= {"current_period_start": ends, "current_period_end": period_end(shifted, item, ends)}
    invoice = invoice_for(world, found, "upcoming", (world.now(found), ends))
    ending = found["cancel_at"] and found["cancel_at"] <= ends
    lines = renewal_lines(world, found, [] if ending else due, used, at_once=False)
    invoice["lines"]["data"] = lines
    invoice["next_payment_attempt"] = ends + world.settings.finalize_after
    return add_up(world, invoice)


def expire_incomplete(world: World, found: Object, now: int) -> None:
    """A first invoice that nobody pays within 23 hours ends the subscription."""
    if found["status"] != "incomplete":
        return
    invoice = world.store.find("invoice", found["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoice["status"] = "void"
        world.emit("invoice.voided", invoice)
    end(world, found, "payment_failed", "incomplete_expired")


def finalize_due(world: World, invoice: Object, now: int) -> None:
    """The end of a draft's hour."""
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        finalize_and_collect(world, invoice)


def overdue(world: World, invoice: Object, now: int) -> None:
    """An invoice that was sent and not paid in time."""
    if invoice["status"] == "open" and invoice["due_date"] and invoice["due_date"] <= now:
        world.emit("invoice.overdue", invoice)
        found = world.store.find("subscription", subscription_of_invoice(invoice))
        if found is not None and found["status"] == "active":
            change(world, found, status="past_due")


def resume_collection(world: World, found: Object, now: int) -> None:
    """The end of a pause that had a date."""
    pause = found["pause_collection"]
    if pause and pause.get("resumes_at") and pause["resumes_at"] <= now:
        change(world, found, pause_collection=None)
