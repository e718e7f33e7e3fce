"""Subscriptions: how they stand decides plan and access of their tenants."""

from typing import Final

from billing.accounts import letters
from billing.accounts.cases import open_case
from billing.accounts.projecting import refresh_subscription
from billing.handlers.events import customer_of, fetched, on
from billing.models import LateItem, StripeInvoice, Subscription
from billing.outbox.apart import in_words
from billing.outbox.flushing import bring_last_use
from billing.plans.catalogue import plan_version
from shared_apps.inbox.registry import Event, Ignored

UNPAID: Final = ("open", "uncollectible")


@on(
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.pending_update_applied",
)
def follow(event: Event) -> None:
    """Take over how it stands: status, plan, items, periods, and a change that was made or waits."""
    refresh_subscription(event.object_id)


@on("customer.subscription.deleted")
def end(event: Event) -> None:
    """The end: what was used goes out, access follows, and the owners learn the way back."""
    left = bring_last_use(customer_of(event).tenant)
    subscription = refresh_subscription(event.object_id)
    if Subscription.objects.open().filter(tenant=subscription.tenant).exists():
        return
    if left:
        _report(subscription, left)
    unpaid = StripeInvoice.objects.filter(stripe_id=subscription.latest_invoice, status__in=UNPAID).exists()
    letters.write(
        kind="subscription_ended",
        key=f"subscription_ended:{subscription.stripe_id}",
        tenant=subscription.tenant,
        facts={"unpaid": unpaid},
    )


@on("customer.subscription.trial_will_end")
def tell_of_trial(event: Event) -> None:
    """Three days before its trial ends, the owners learn what follows."""
    subscription = refresh_subscription(event.object_id)
    if not subscription.is_on_trial or subscription.trial_end is None or subscription.is_ending:
        return
    facts = {
        "ends": letters.on(subscription.trial_end),
        "plan": _name(subscription),
        "card": letters.card_of(customer_of(event)),
    }
    key = f"trial_ending:{subscription.stripe_id}:{subscription.trial_end:%Y%m%d}"
    letters.write(kind="trial_ending", key=key, tenant=subscription.tenant, facts=facts)


@on("customer.subscription.pending_update_expired")
def drop_change(event: Event) -> None:
    """A change that waited for its payment is not made: the owners learn that nothing was."""
    subscription = refresh_subscription(event.object_id)
    letters.write(
        kind="change_dropped",
        key=f"change_dropped:{event.id}",
        tenant=subscription.tenant,
        facts={"plan": _name(subscription)},
    )


@on(
    "subscription_schedule.aborted",
    "subscription_schedule.canceled",
    "subscription_schedule.completed",
    "subscription_schedule.created",
    "subscription_schedule.expiring",
    "subscription_schedule.released",
    "subscription_schedule.updated",
)
def follow_schedule(event: Event) -> None:
    """A plan that follows at the end of the period."""
    found = fetched(lambda client: client.v1.subscription_schedules.retrieve, event.object_id)
    name = found["subscription"] or found["released_subscription"]
    if not name:
        raise Ignored("The schedule has no subscription.")
    refresh_subscription(name)


def _report(subscription: Subscription, left: list[LateItem]) -> None:
    text = (
        f"{subscription} has ended, and no invoice follows that could have: {'; '.join(map(in_words, left))}."
    )
    about = subscription.stripe_id
    open_case(kind="late_usage", tenant=subscription.tenant, object_id=about, text=text)


def _name(subscription: Subscription) -> str:
    return plan_version(subscription.plan, subscription.plan_version).name
