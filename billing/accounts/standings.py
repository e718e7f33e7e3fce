"""What a subscription's state means for its tenant: plan and access, as one table says.

| at Stripe | access |
|---|---|
| trialing, active | full |
| past_due | full for a time of grace, then read-only |
| unpaid, paused | read-only |
| incomplete | as it was: nothing has been bought yet |
| incomplete_expired, canceled | closed, data kept; the owner can pay, export, subscribe again or go on with Free |
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from billing.models import Customer, Subscription
from shared_apps.clients.models import Client
from shared_apps.clients.standing import Standing, set_standing, set_standings
from tenants.audit.actors import Actor
from tenants.routers import CONTROL_ALIAS

Status, Access = Subscription.Status, Client.Access
ACTOR: Final = Actor.system("billing")
FREE: Final = "free"
PAID: Final = "The subscription is paid for."
GRACE: Final = (
    "The last payment has failed. Pay the open invoice, or give another card, before the time is up."
)
OVERDUE: Final = "The last payment has failed and the time of grace is over. Pay the open invoice to go on."
UNPAID: Final = "An invoice is unpaid. Pay it to go on."
PAUSED: Final = "The trial has ended and no card was given. Give one to go on."
UNPAID_END: Final = (
    "The subscription has ended because an invoice was not paid. "
    "Subscribe again, or go on with the Free plan."
)
ENDED: Final = "The subscription has ended. Subscribe again, or go on with the Free plan."
DELETED: Final = "The account that paid for this workspace was deleted. Subscribe again, or write to us."
GOES_BY_STATUS: Final = {
    Status.TRIALING: (Access.FULL, PAID),
    Status.ACTIVE: (Access.FULL, PAID),
    Status.UNPAID: (Access.READ_ONLY, UNPAID),
    Status.PAUSED: (Access.READ_ONLY, PAUSED),
}


def grace_ends(subscription: Subscription) -> datetime:
    """Until when a tenant whose payment has failed may go on as if it had not."""
    assert subscription.past_due_since is not None
    return subscription.past_due_since + timedelta(days=settings.BILLING_GRACE_DAYS)


def after_change(
    before: Subscription | None, subscription: Subscription, now: datetime | None = None
) -> None:
    """Let plan and access follow what has become of a subscription."""
    client = _client(subscription.tenant)
    if client is None or subscription.status == Status.INCOMPLETE:
        return
    if subscription.is_open:
        set_standings(actor=ACTOR, changes=[standing_of(client, subscription, now or timezone.now())])
    # An end is acted on once: a tenant may have gone on with Free since.
    elif (before is None or before.is_open) and _was_carried_by(subscription, client):
        _set(client, access=Access.CLOSED, reason=_why(subscription), trial_ends_at=None)


def close_without_customer(customer: Customer) -> None:
    """Close a tenant whose customer was deleted, unless it pays nothing anyway."""
    client = _client(customer.tenant)
    if client is not None and client.plan != FREE and client.trial_ends_at is None:
        _set(client, access=Access.CLOSED, reason=DELETED)


def standing_of(client: Client, subscription: Subscription, now: datetime) -> Standing:
    """How a tenant stands by a subscription that has not ended."""
    access, reason, until = _access(subscription, now)
    return Standing(
        client_id=client.pk,
        reason=reason,
        plan=subscription.plan,
        plan_version=subscription.plan_version,
        access=access,
        access_until=until,
        trial_ends_at=None,
    )


def _access(subscription: Subscription, now: datetime) -> tuple[str, str, datetime | None]:
    if subscription.status != Status.PAST_DUE:
        return *GOES_BY_STATUS[Status(subscription.status)], None
    until = grace_ends(subscription)
    return (Access.GRACE, GRACE, until) if now < until else (Access.READ_ONLY, OVERDUE, None)


def _was_carried_by(subscription: Subscription, client: Client) -> bool:
    """Whether the tenant lived from it: not from another subscription, nor, where nothing was ever paid, by itself."""
    if Subscription.objects.open().filter(tenant=subscription.tenant).exists():
        return False
    lives_by_itself = client.plan == FREE or client.trial_ends_at is not None
    return subscription.status == Status.CANCELED or not lives_by_itself


def _why(subscription: Subscription) -> str:
    return UNPAID_END if subscription.past_due_since else ENDED


def _client(schema: str) -> Client | None:
    return Client.objects.using(CONTROL_ALIAS).filter(schema_name=schema).first()


def _set(client: Client, **standing: Any) -> None:
    set_standing(client_id=client.pk, actor=ACTOR, **standing)
