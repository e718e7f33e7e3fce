"""The end of a tenant: what it has used is charged a last time, and its subscription ends, before its data goes."""

from typing import Final

from billing.accounts.projecting import held, project_subscription, project_subscriptions
from billing.accounts.reading import Unknown
from billing.models import Customer, Subscription
from billing.outbox.exporting import owes
from billing.subscriptions.acting import tell
from billing.subscriptions.deeds import doing
from billing.subscriptions.problems import NotForSale
from tenants.audit.actors import Actor
from tenants.errors import DomainError

ACTOR: Final = Actor.system("deletion")
WAITS: Final = (
    "Its subscription at Stripe could not be ended yet: {why} The deletion goes on by itself after that."
)


def keeps_from_deletion(schema: str) -> str:
    """Why a tenant may not go yet; nothing, when Stripe knows all that it has used and charges it no more."""
    if why := owes(schema):
        return why
    if not Customer.objects.filter(tenant=schema, deleted_at=None).exists():
        return ""
    try:
        end_subscription(schema)
    except NotForSale as refusal:
        # Without an account nobody can end anything; what is known to run has to be ended first.
        running = Subscription.objects.open().filter(tenant=schema).exists()
        return WAITS.format(why=refusal.detail) if running else ""
    except (DomainError, Unknown) as refusal:
        return WAITS.format(why=str(refusal))
    return ""


def end_subscription(schema: str) -> None:
    """End what runs at Stripe now, with an invoice for what was used since the last one."""
    with (
        doing(tenant=schema, verb="end_subscription", params={}, actor=ACTOR) as deed,
        held(tenant=schema) as customer,
    ):
        running = project_subscriptions(customer)
        if running is not None:
            deed.send(
                lambda client: client.v1.subscriptions.cancel,
                running.stripe_id,
                params={"invoice_now": True, "prorate": False},
            )
            tell(ACTOR, "subscription.ended", project_subscription(customer, running.stripe_id))
        deed.done(running.stripe_id if running is not None else "")
