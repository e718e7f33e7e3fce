"""What a tenant's people do with their subscription: each a verb, done at Stripe first and then taken over here.

Every verb holds the customer, looks at Stripe how things stand, does only what is missing, and refreshes: done twice,
or cut off and done again, it comes to the same. What nobody did again is taken over by the sweeper and by webhooks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from billing.accounts.projecting import (
    held,
    moment,
    project_customer,
    project_invoice,
    project_subscription,
    project_subscriptions,
)
from billing.accounts.standings import FREE
from billing.models import Customer, Subscription
from billing.plans.catalogue import PlanVersion, newest
from billing.stripe.client import StripeMissing
from billing.subscriptions.acting import acting, for_sale, prices_of, release_schedule, translated
from billing.subscriptions.binding import bind_customer
from billing.subscriptions.changes import change_plan, preview_change
from billing.subscriptions.deeds import doing, stripe_account
from billing.subscriptions.details import apply_promotion_code, open_stripe_portal, set_tax_id
from billing.subscriptions.problems import AlreadySubscribed, NotPossibleNow
from shared_apps.clients.models import Client
from shared_apps.clients.standing import set_standing
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.errors import Invalid, NotFound
from tenants.hosts import address_at
from tenants.routers import CONTROL_ALIAS

__all__ = [
    "Checkout",
    "apply_promotion_code",
    "cancel",
    "change_plan",
    "continue_on_free",
    "drop_pending_change",
    "finish_checkout",
    "open_stripe_portal",
    "preview_change",
    "resume",
    "set_tax_id",
    "start_checkout",
]
Status = Subscription.Status
HOME: Final = "/billing/"
RETURN: Final = "/billing/checkout/?session={CHECKOUT_SESSION_ID}"
# Stripe takes no end of a trial that is nearer than this; days it takes.
NEAREST_END: Final = timedelta(hours=48)
LONGEST_REASON: Final = 1000
# Stripe's own words for why somebody leaves.
FEEDBACK: Final = {
    "too_expensive": "It is too expensive",
    "missing_features": "Something is missing",
    "switched_service": "We use something else",
    "unused": "We do not use it",
    "customer_service": "The support was not good enough",
    "too_complex": "It is too complicated",
    "low_quality": "It did not work well enough",
    "other": "Another reason",
}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page at Stripe where a subscription is bought."""

    id: str
    url: str
    expires_at: datetime


def start_checkout(*, tenant: Tenant, plan: str, actor: Actor) -> Checkout:
    """A page at Stripe to subscribe to the newest version of a plan; who has one open for it gets the same.

    What is left of the tenant's own trial stays free.
    """
    version = for_sale(plan)
    prices = prices_of(version)
    customer = bind_customer(tenant=tenant, actor=actor)
    params = {"plan": version.key, "version": version.number, "customer": customer.stripe_id}
    with translated(), doing(tenant=tenant.schema, verb="start_checkout", params=params, actor=actor) as deed:
        with held(tenant=tenant.schema) as customer:
            running = project_subscriptions(customer)
            session = _open_session(customer, version)
            if session is None and running is None:
                wanted = _session(tenant, customer, version, prices)
                session = deed.send(lambda client: client.v1.checkout.sessions.create, params=wanted)
                data = {"tenant": tenant.schema, "plan": str(version), "session": session.id}
                record(actor=actor, verb="checkout.started", target=customer, data=data, using=CONTROL_ALIAS)
            if session is not None:
                deed.done(session.id)
        if session is None or (running is not None and running.status != Status.INCOMPLETE):
            raise _already(running)
    return Checkout(session.id, session.url, moment(session.expires_at))


def finish_checkout(*, tenant: Tenant, session_id: str) -> Subscription | None:
    """What came of a page, for who returns from it before we were told; None while nothing is bought."""
    with translated():
        try:
            session = stripe_account().read(lambda client: client.v1.checkout.sessions.retrieve, session_id)
        except StripeMissing:
            raise _foreign() from None
        if session.client_reference_id != tenant.schema:
            raise _foreign()
        if session.status != "complete" or not session.subscription:
            return None
        with held(tenant=tenant.schema) as customer:
            subscription = project_subscription(customer, str(session.subscription))
            project_customer(customer)
            if subscription.latest_invoice:
                project_invoice(customer, subscription.latest_invoice)
    return subscription


def cancel(*, tenant: Tenant, feedback: str, actor: Actor, comment: str = "") -> Subscription:
    """End the subscription with its period; what is not running yet, or rests, ends at once."""
    details = _details(feedback, comment)
    with acting(tenant, "cancel", actor, details) as act:
        if act.running.status in (Status.INCOMPLETE, Status.PAUSED):
            params = {"cancellation_details": details}
            act.send(lambda client: client.v1.subscriptions.cancel, act.running.stripe_id, params=params)
        elif not act.running.is_ending:
            release_schedule(act)
            act.update(cancel_at_period_end=True, cancellation_details=details)
        return act.finish("subscription.cancelled", **details)


def resume(*, tenant: Tenant, actor: Actor) -> Subscription:
    """Keep a subscription that was to end."""
    with acting(tenant, "resume", actor) as act:
        if act.running.is_ending:
            act.update(cancel_at_period_end=False)
        elif not act.is_done:
            raise NotPossibleNow("Nobody has cancelled the subscription: it goes on anyway.")
        return act.finish("subscription.resumed")


def drop_pending_change(*, tenant: Tenant, actor: Actor) -> Subscription:
    """Stay with the present plan, where another one was to follow."""
    with acting(tenant, "drop_pending_change", actor) as act:
        release_schedule(act)
        return act.finish("subscription.pending_change_dropped")


def continue_on_free(*, tenant: Tenant, actor: Actor) -> None:
    """Go on with the Free plan, after a subscription has ended or instead of a trial."""
    if Customer.objects.filter(tenant=tenant.schema, deleted_at=None).exists():
        with translated(), held(tenant=tenant.schema) as customer:
            running = project_subscriptions(customer)
    else:
        running = None
    if running is not None:
        raise NotPossibleNow(
            f"The subscription to {running.plan.title()} runs. Cancel it: it ends with what is paid for, and then the "
            "Free plan can be taken."
        )
    with transaction.atomic(using=CONTROL_ALIAS):
        client = Client.objects.using(CONTROL_ALIAS).get(pk=tenant.id)
        free = newest(FREE)
        set_standing(
            client_id=client.pk,
            actor=actor,
            reason="Its people go on with the Free plan.",
            plan=free.key,
            plan_version=free.number,
            access=Client.Access.FULL,
            trial_ends_at=None,
        )


def _session(
    tenant: Tenant, customer: Customer, version: PlanVersion, prices: dict[str, str]
) -> dict[str, Any]:
    """What Stripe's page is to sell, and where it leads back to."""
    named = {"tenant": tenant.schema, "plan": version.key, "version": str(version.number)}
    return {
        "mode": "subscription",
        "customer": customer.stripe_id,
        "client_reference_id": tenant.schema,
        "line_items": list(_items(prices)),
        "subscription_data": {"metadata": named, **_trial(tenant)},
        "metadata": named,
        "allow_promotion_codes": True,
        "tax_id_collection": {"enabled": True},
        # Both are asked for by Stripe where a tax number may be given.
        "customer_update": {"name": "auto", "address": "auto"},
        "billing_address_collection": "required",
        "success_url": address_at(tenant.host, RETURN),
        "cancel_url": address_at(tenant.host, HOME),
    }


def _items(prices: dict[str, str]) -> Iterator[dict[str, Any]]:
    for name, price in prices.items():
        yield {"price": price, **({"quantity": 1} if name == "base" else {})}


def _trial(tenant: Tenant) -> dict[str, Any]:
    """What is left of the tenant's own trial; less than two days are begun anew as whole ones."""
    ends = Client.objects.get(pk=tenant.id).trial_ends_at
    left = ends - timezone.now() if ends is not None else timedelta()
    if ends is None or left <= timedelta():
        return {}
    if left > NEAREST_END + timedelta(minutes=5):
        return {"trial_end": int(ends.timestamp())}
    return {"trial_period_days": ceil(left / timedelta(days=1))}


def _open_session(customer: Customer, version: PlanVersion) -> Any:
    """The page that is open for this plan already; one for another plan is closed, so that only one can be paid."""
    rows = stripe_account().read_all(
        lambda client: client.v1.checkout.sessions.list,
        params={"customer": customer.stripe_id, "status": "open"},
    )
    found = None
    for session in rows:
        named = session.to_dict()["metadata"] or {}
        if found is None and (named.get("plan"), named.get("version")) == (version.key, str(version.number)):
            found = session
        else:
            stripe_account().send(
                lambda client: client.v1.checkout.sessions.expire, session.id, key=f"expire:{session.id}"
            )
    return found


def _already(running: Subscription | None) -> AlreadySubscribed:
    if running is not None and running.status == Status.INCOMPLETE:
        return AlreadySubscribed(
            "A subscription waits for its first payment. Pay its invoice on the billing page, or cancel it there."
        )
    name = running.plan.title() if running is not None else "a plan"
    return AlreadySubscribed(
        f"There is a subscription to {name} already. Change its plan on the billing page."
    )


def _details(feedback: str, comment: str) -> dict[str, str]:
    comment = comment.strip()
    if feedback not in FEEDBACK:
        raise Invalid(f"Say why, by one of: {', '.join(FEEDBACK)}.", field="feedback")
    if len(comment) > LONGEST_REASON:
        raise Invalid(f"Use at most {LONGEST_REASON} characters; these are {len(comment)}.", field="comment")
    return {"feedback": feedback, **({"comment": comment} if comment else {})}


def _foreign() -> NotFound:
    return NotFound(
        "This workspace has no such checkout. Open the billing page to see what is subscribed to."
    )
