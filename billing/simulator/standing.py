"""How a subscription stands after its invoices were paid or not."""

from __future__ import annotations

from typing import Any

from billing.simulator.events import differences
from billing.simulator.invoicing import subscription_of_invoice
from billing.simulator.shapes import Object, part
from billing.simulator.world import World

ENDED = frozenset({"canceled", "incomplete_expired"})


def change(
    world: World, subscription: Object, kind: str = "customer.subscription.updated", **values: Any
) -> None:
    """Change fields of a subscription and tell of it, if anything is different."""
    before = dict(subscription)
    subscription |= values
    previous = differences(before, subscription)
    if previous:
        world.emit(kind, subscription, previous)


def after_payment(world: World, invoice: Object) -> None:
    """A paid invoice makes its subscription active again, unless another one is still unpaid."""
    _set_delinquent(world, invoice, delinquent=False)
    subscription = world.store.find("subscription", subscription_of_invoice(invoice))
    if subscription is None or subscription["status"] in ENDED:
        return
    if subscription["status"] in ("incomplete", "past_due", "unpaid") and not _unpaid(world, subscription):
        change(world, subscription, status="active")
    apply_pending = world.store.secrets[invoice["id"]].get("pending_update")
    if apply_pending and subscription["pending_update"]:
        from billing.simulator.changing import commit_pending

        commit_pending(world, subscription)


def _unpaid(world: World, subscription: Object) -> bool:
    """Whether the latest invoice is still open: older ones do not hold a subscription down."""
    latest = world.store.find("invoice", subscription["latest_invoice"])
    return latest is not None and latest["status"] == "open" and bool(latest["amount_remaining"])


def after_failure(world: World, invoice: Object) -> None:
    """A failed renewal makes the subscription past due; a failed start leaves it incomplete."""
    _set_delinquent(world, invoice, delinquent=True)
    subscription = world.store.find("subscription", subscription_of_invoice(invoice))
    if subscription is None or world.store.secrets[invoice["id"]].get("pending_update"):
        return
    if subscription["status"] in ("active", "trialing"):
        change(world, subscription, status="past_due")


def after_last_attempt(world: World, invoice: Object) -> None:
    """No more attempts: what the account has chosen for this happens."""
    subscription = world.store.find("subscription", subscription_of_invoice(invoice))
    world.emit("invoice.updated", invoice, {"auto_advance": True})
    if subscription is None or subscription["status"] != "past_due":
        return
    if world.settings.after_retries == "cancel":
        end(world, subscription, "payment_failed")
    elif world.settings.after_retries == "unpaid":
        change(world, subscription, status="unpaid")


def end(world: World, subscription: Object, reason: str, status: str = "canceled") -> None:
    """The end of a subscription."""
    now = world.now(subscription)
    subscription |= {"status": status, "ended_at": now, "canceled_at": subscription["canceled_at"] or now}
    details = subscription["cancellation_details"] or part("subscription", "cancellation_details")
    subscription["cancellation_details"] = details | {"reason": details["reason"] or reason}
    if schedule := world.store.find("subscription_schedule", subscription["schedule"]):
        schedule |= {"status": "canceled", "canceled_at": now}
        world.emit("subscription_schedule.canceled", schedule)
    world.emit("customer.subscription.deleted", subscription)


def _set_delinquent(world: World, invoice: Object, *, delinquent: bool) -> None:
    customer = world.store.find("customer", invoice["customer"])
    if customer is not None and customer["delinquent"] != delinquent:
        customer["delinquent"] = delinquent
        world.emit("customer.updated", customer, {"delinquent": not delinquent})
