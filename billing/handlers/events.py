"""What handlers have in common: whose an event is, and how its object stands at Stripe now."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final

from django.utils import timezone

from billing.accounts.reading import Unknown
from billing.models import Customer
from billing.stripe.client import StripeBusy, StripeDown, StripeMissing, account
from shared_apps.inbox.registry import Event, Handler, Ignored, Later, handles
from tenants.hosts import directory
from tenants.status import Door, answer
from tenants.status import Event as Fate

Object = dict[str, Any]
SHORTEST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=15)


def on(*types: str) -> Callable[[Handler], Handler]:
    """Register a handler: `@on("invoice.paid")`. What is not ours is left alone, or stays behind as a case."""

    def register(handler: Handler) -> Handler:
        @wraps(handler)
        def handled(event: Event) -> None:
            _hold(event)
            try:
                handler(event)
            except Unknown as unknown:
                # To ignore it would undo the case that was opened about it.
                if not unknown.kind:
                    raise Ignored(str(unknown)) from unknown
            except StripeMissing as gone:
                raise Ignored(f"Stripe does not have it any more: {gone}") from gone
            except (StripeDown, StripeBusy) as away:
                raise Later(f"Stripe gives no answer: {away}", after=_as_long_again(event)) from away

        return handles(*types)(handled)

    return register


def _as_long_again(event: Event) -> timedelta:
    """The pause of an outage doubles, and however long it lasts no event of it is given up within a week."""
    return min(max(timezone.now() - event.created, SHORTEST_PAUSE), LONGEST_PAUSE)


def _hold(event: Event) -> None:
    """While a tenant is being set up or looked after, what Stripe tells about it is kept for later."""
    schema = Customer.objects.filter(stripe_id=event.customer).values_list("tenant", flat=True).first()
    tenant = directory.by_schema(schema) if schema else None
    if tenant is not None and answer(tenant.status, Door.STRIPE) is Fate.KEEP:
        raise Later(f"Its tenant is in {tenant.status}; it is tried again until that is over.")


def customer_of(event: Event) -> Customer:
    """The customer that an event is about, by our own table; events about others are left alone."""
    return customer_named(event.customer)


def customer_named(stripe_id: str | None) -> Customer:
    """A customer of ours by Stripe's id."""
    found = Customer.objects.filter(stripe_id=stripe_id or "").first()
    if found is None:
        raise Ignored(f"No tenant of ours has the customer {stripe_id or 'without an id'}.")
    return found


def fetched(call: Callable[[Any], Callable[..., Any]], *ids: str) -> Object:
    """An object as Stripe has it now."""
    found: Object = account().read(call, *ids).to_dict(for_json=True)
    return found
