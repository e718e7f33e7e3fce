"""A tenant becomes a customer at Stripe: once, whatever is cut off on the way."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from billing.models import Customer, Deed
from billing.outbox.exporting import set_aside
from billing.subscriptions.deeds import Doing, doing, stripe_account
from billing.subscriptions.problems import NotPossibleNow
from billing.usage.rollups import seal_tenant
from shared_apps.clients.models import Client
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import Tenant
from tenants.routers import CONTROL_ALIAS

VERB: Final = "create_customer"
# Stripe's clock and ours differ.
DIFFERENCE: Final = timedelta(minutes=5)


def bind_customer(*, tenant: Tenant, actor: Actor) -> Customer:
    """The tenant's customer; made at Stripe and bound to the tenant, if there is none yet.

    What was used up to now is set aside first: who becomes a customer pays from then on.
    """
    if (found := _bound(tenant.schema)) is not None:
        return found
    client = Client.objects.get(pk=tenant.id)
    if client.sandbox_of_id is not None:
        raise NotPossibleNow("A sandbox is never charged: subscribe in the workspace that it is a copy of.")
    with doing(tenant=tenant.schema, verb=VERB, params={}, actor=actor) as deed:
        seal_tenant(tenant.schema)
        set_aside(timezone.now(), tenant.schema)
        return _made(client, deed, actor)


def bind_found(deed: Deed) -> None:
    """End a deed that was left: bind the customer that it has made at Stripe, if it has made one."""
    with transaction.atomic(using=CONTROL_ALIAS):
        held = Deed.objects.select_for_update().get(pk=deed.pk)
        if held.status == Deed.Status.BEGUN:
            found = _bound(held.tenant) or _adopted(held.tenant, held.created_at, Actor.system("billing"))
            Doing(held).done(found.stripe_id if found is not None else "")


def _bound(schema: str) -> Customer | None:
    return Customer.objects.filter(tenant=schema, deleted_at=None).first()


def _made(client: Client, deed: Doing, actor: Actor) -> Customer:
    schema = client.schema_name
    with transaction.atomic(using=CONTROL_ALIAS):
        # As long as there is no customer to hold, its deed is held.
        Deed.objects.select_for_update().get(pk=deed.deed.pk)
        since = _first_try(deed.deed)
        found = _bound(schema) or (_adopted(schema, since, actor) if since is not None else None)
        if found is None:
            params = {"name": client.name, "metadata": {"tenant": schema}}
            made = deed.send(lambda stripe: stripe.v1.customers.create, params=params)
            found = _bind(schema, made.id, actor)
        deed.done(found.stripe_id)
    return found


def _bind(schema: str, stripe_id: str, actor: Actor) -> Customer:
    customer, _ = Customer.objects.update_or_create(
        tenant=schema, defaults={"stripe_id": stripe_id, "deleted_at": None}
    )
    data = {"tenant": schema, "customer": stripe_id}
    record(actor=actor, verb="billing_customer.bound", target=customer, data=data, using=CONTROL_ALIAS)
    return customer


def _adopted(schema: str, since: datetime, actor: Actor) -> Customer | None:
    """The customer that somebody has made for the tenant at Stripe without us hearing of it."""
    created = {"gte": int((since - DIFFERENCE).timestamp())}
    rows = stripe_account().read_all(lambda client: client.v1.customers.list, params={"created": created})
    left = (row.id for row in rows if (row.to_dict().get("metadata") or {}).get("tenant") == schema)
    stripe_id = next(left, None)
    return _bind(schema, stripe_id, actor) if stripe_id else None


def _first_try(deed: Deed) -> datetime | None:
    """When the tenant's customer was tried to be made before; None, if this is the first time."""
    earlier = Deed.objects.filter(tenant=deed.tenant, verb=VERB).exclude(pk=deed.pk)
    first = earlier.order_by("created_at").values_list("created_at", flat=True).first()
    return first or (deed.created_at if deed.tries > 1 else None)
