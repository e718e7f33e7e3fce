"""Customers, their cards and their tax numbers."""

from typing import Any

from billing.accounts.projecting import refresh_customer
from billing.handlers.events import customer_named, on
from shared_apps.inbox.registry import Event


@on(
    "customer.updated",
    "customer.deleted",
    "customer.tax_id.created",
    "customer.tax_id.updated",
    "customer.tax_id.deleted",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.detached",
    "payment_method.updated",
    "setup_intent.canceled",
    "setup_intent.created",
    "setup_intent.requires_action",
    "setup_intent.setup_failed",
    "setup_intent.succeeded",
)
def follow(event: Event) -> None:
    """Take over address, card and tax numbers; one that was deleted closes its tenant and is a case for a person."""
    customer = customer_named(event.customer or _before(event))
    refresh_customer(customer.stripe_id)


def _before(event: Event) -> str | None:
    """Whose a card was that has been taken off: only the event knows, and our own table has the last word."""
    data: dict[str, Any] = event.body.get("data") or {}
    name: str | None = (data.get("previous_attributes") or {}).get("customer")
    return name
