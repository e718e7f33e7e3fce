"""What all verbs about a tenant's subscription share: the lock, a look at Stripe first, and what is told in the end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from billing.accounts.projecting import held, project_subscription, project_subscriptions
from billing.accounts.reading import Unknown
from billing.models import Customer, Subscription
from billing.plans.catalogue import PlanVersion, offered, stripe_prices
from billing.stripe.client import Call, StripeFailed
from billing.subscriptions.deeds import Doing, doing
from billing.subscriptions.problems import (
    NotForSale,
    NotPossibleNow,
    NotSubscribed,
    PlanNotOffered,
    refusal_of,
)
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS


@dataclass
class Act:
    """A verb at work on a subscription that runs, with the customer held."""

    deed: Doing
    customer: Customer
    running: Subscription
    actor: Actor
    # Whether anything was done, now or by a try that was cut off.
    is_done: bool

    def send(self, call: Call[Any], *ids: str, params: Mapping[str, Any], name: str = "") -> Any:
        """Make a call of the deed."""
        found = self.deed.send(call, *ids, params=params, name=name)
        self.is_done = True
        return found

    def update(self, name: str = "", **params: Any) -> None:
        """Change the subscription at Stripe."""
        self.send(
            lambda client: client.v1.subscriptions.update, self.running.stripe_id, params=params, name=name
        )

    def finish(self, verb: str, **data: Any) -> Subscription:
        """Take over how things stand now, and tell the audit log if anything was done."""
        found = project_subscription(self.customer, self.running.stripe_id)
        if self.deed.done(found.stripe_id) and self.is_done:
            tell(self.actor, verb, found, **data)
        return found


@contextmanager
def acting(tenant: Tenant, verb: str, actor: Actor, params: Mapping[str, Any] | None = None) -> Iterator[Act]:
    """Hold the customer of a tenant, and look at Stripe what runs; refuses where nothing does."""
    need_customer(tenant)
    with (
        translated(),
        doing(tenant=tenant.schema, verb=verb, params=params or {}, actor=actor) as deed,
        held(tenant=tenant.schema) as customer,
    ):
        running = project_subscriptions(customer)
        if running is None:
            raise _nothing()
        yield Act(deed, customer, running, actor, is_done=deed.was_tried)


def need_customer(tenant: Tenant) -> None:
    """Refuse who has never bought anything."""
    if not Customer.objects.filter(tenant=tenant.schema, deleted_at=None).exists():
        raise _nothing()


@contextmanager
def translated() -> Iterator[None]:
    """What goes wrong at Stripe, in words for people."""
    try:
        yield
    except StripeFailed as failure:
        raise refusal_of(failure) from failure
    except Unknown as unknown:
        raise NotPossibleNow(f"{unknown} Write to us: a person has to look at it.") from unknown


def for_sale(plan: str) -> PlanVersion:
    """The newest version of a plan that is offered and costs something."""
    sold = {version.key: version for version in offered() if not version.is_free}
    if plan not in sold:
        named = ", ".join(sold)
        raise PlanNotOffered(
            f"{plan!r} is not a plan that can be bought. Choose one of: {named}.", field="plan"
        )
    return sold[plan]


def prices_of(version: PlanVersion) -> dict[str, str]:
    """The prices of a version at Stripe."""
    try:
        return stripe_prices(version)
    except LookupError as error:
        raise NotForSale(
            f"The plan {version.name} is not at Stripe yet. Operators: run manage.py sync_plans --apply."
        ) from error


def release_schedule(act: Act) -> None:
    """Let a plan that was to follow go; Stripe takes no other change as long as it is there."""
    if act.running.schedule:
        call: Call[Any] = lambda client: client.v1.subscription_schedules.release  # noqa: E731
        act.send(call, act.running.schedule, params={}, name="release")


def tell(actor: Actor, verb: str, subscription: Subscription, **data: Any) -> None:
    """One entry for the audit log, in the transaction that holds the customer."""
    told = {"tenant": subscription.tenant, "subscription": subscription.stripe_id, **data}
    record(actor=actor, verb=verb, target=subscription, data=told, using=CONTROL_ALIAS)


def _nothing() -> NotSubscribed:
    return NotSubscribed(
        "There is no subscription to change. Choose a plan on the billing page to subscribe."
    )
