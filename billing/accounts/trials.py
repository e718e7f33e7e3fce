"""Time that runs out: the trial that a tenant begins with, and the grace after a payment has failed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from billing.accounts import letters
from billing.accounts.standings import ACTOR, FREE, standing_of
from billing.models import Customer, Subscription
from billing.plans.catalogue import newest, offered, plan_version
from shared_apps.clients.models import Client
from shared_apps.clients.services import Beginning
from shared_apps.clients.standing import Standing, set_standings
from tenants.routers import CONTROL_ALIAS

# What a tenant tries when it has signed up.
TRIED: Final = "team"
BATCH: Final = 200
TOLD_BEFORE: Final = timedelta(days=3)
OVER: Final = "The trial is over and nothing was subscribed to."
GRACE_OVER: Final = "The time of grace is over. Choose a plan to go on, or write to us."
RUNNING: Final = ("trialing", "active", "past_due", "unpaid", "paused")


def beginning() -> Beginning:
    """A trial of a plan that is sold, with nothing at Stripe; the Free plan, if it has no trial."""
    tried = next((version for version in offered() if version.key == TRIED and version.trial_days), None)
    if tried is None:
        free = newest(FREE)
        return Beginning(plan=free.key, plan_version=free.number)
    ends = timezone.now() + timedelta(days=tried.trial_days)
    return Beginning(plan=tried.key, plan_version=tried.number, trial_ends_at=ends)


def end_trials(now: datetime) -> int:
    """Let tenants whose own trial is over fall to the Free plan, a batch at a time; how many did."""
    free = newest(FREE)

    def standing(client: Client) -> Standing:
        _write(client, "own_trial_over")
        return Standing(
            client_id=client.pk, reason=OVER, plan=free.key, plan_version=free.number, trial_ends_at=None
        )

    return _in_batches(lambda: _trials_over(now), standing)


def tell_of_trials(now: datetime) -> None:
    """Write to the owners once, some days before their trial is over."""
    clients = _on_trial().filter(trial_ends_at__gt=now, trial_ends_at__lte=now + TOLD_BEFORE)
    for client in clients.order_by("trial_ends_at"):
        _write(client, "own_trial_ending")


def end_graces(now: datetime) -> int:
    """Let tenants whose time of grace is over only read from now on; how many."""

    def standing(client: Client) -> Standing:
        # One that is incomplete says nothing: nothing has been bought yet.
        found = Subscription.objects.filter(tenant=client.schema_name, status__in=RUNNING).first()
        if found is not None:
            return standing_of(client, found, now)
        return Standing(client_id=client.pk, reason=GRACE_OVER, access=Client.Access.READ_ONLY)

    return _in_batches(lambda: _graces_over(now), standing)


def _in_batches(find: Callable[[], list[Client]], standing: Callable[[Client], Standing]) -> int:
    """Change those found, and find again until there are none; who is held by somebody waits for the next turn."""
    count = 0
    while True:
        with transaction.atomic(using=CONTROL_ALIAS):
            busy = _hold({client.schema_name for client in find()})
            # Found again: what was seen before the lock may have changed.
            free = [client for client in find() if client.schema_name not in busy]
            changes = [standing(client) for client in free]
            if not changes:
                return count
            set_standings(actor=ACTOR, changes=changes)
        count += len(changes)


def _trials_over(now: datetime) -> list[Client]:
    return list(_on_trial().filter(trial_ends_at__lte=now).order_by("trial_ends_at", "pk")[:BATCH])


def _on_trial() -> QuerySet[Client]:
    """Tenants that have not subscribed."""
    running = Subscription.objects.filter(status__in=RUNNING).values("tenant")
    return Client.objects.using(CONTROL_ALIAS).exclude(schema_name__in=running)


def _write(client: Client, kind: str) -> None:
    is_lived_in = client.status == Client.Status.ACTIVE and client.sandbox_of_id is None
    if not is_lived_in or client.trial_ends_at is None:
        return
    facts = {
        "ends": letters.on(client.trial_ends_at),
        "plan": plan_version(client.plan, client.plan_version).name,
    }
    key = f"{kind}:{client.schema_name}:{client.trial_ends_at:%Y%m%d}"
    letters.write(kind=kind, key=key, tenant=client.schema_name, facts=facts)


def _graces_over(now: datetime) -> list[Client]:
    clients = Client.objects.using(CONTROL_ALIAS).filter(access=Client.Access.GRACE, access_until__lte=now)
    return list(clients.order_by("access_until", "pk")[:BATCH])


def _hold(schemas: set[str]) -> set[str]:
    """Hold the customers of tenants, as far as nobody else does; those that somebody does."""
    customers = Customer.objects.filter(tenant__in=schemas).order_by("pk")
    known = set(customers.values_list("tenant", flat=True))
    return known - set(customers.select_for_update(skip_locked=True).values_list("tenant", flat=True))
