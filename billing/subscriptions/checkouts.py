"""Buying at Stripe's own page: opened once for a plan, and taken over when somebody comes back from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from django.utils import timezone

from billing.accounts.projecting import (
    held,
    project_customer,
    project_invoice,
    project_subscription,
    project_subscriptions,
)
from billing.accounts.reading import moment
from billing.models import Customer, Subscription
from billing.plans.catalogue import PlanVersion
from billing.stripe.client import StripeMissing
from billing.subscriptions.acting import for_sale, prices_of, translated
from billing.subscriptions.binding import bind_customer
from billing.subscriptions.deeds import doing, stripe_account
from billing.subscriptions.problems import AlreadySubscribed
from shared_apps.clients.models import Client
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.errors import NotFound
from tenants.hosts import address_at
from tenants.routers import CONTROL_ALIAS

Status = Subscription.Status
HOME: Final = "/billing/"
RETURN: Final = "/billing/checkout/?session={CHECKOUT_SESSION_ID}"
# Stripe takes no end of a trial that is nearer than this; days it takes.
NEAREST_END: Final = timedelta(hours=48)


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


def _foreign() -> NotFound:
    return NotFound(
        "This workspace has no such checkout. Open the billing page to see what is subscribed to."
    )
