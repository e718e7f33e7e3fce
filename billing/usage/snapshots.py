"""Gauges are measured every half hour; of the measures of an hour its rollup takes the last, or the largest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from billing.limits.seats import taken
from billing.limits.storing import stored
from billing.models import Rollup
from billing.usage.ledger import record_usage
from shared_apps.clients.models import Client

EVERY: Final = timedelta(minutes=30)


def take_snapshots(at: datetime) -> None:
    """Write down how every gauge of the current tenant stands; a task that runs twice in a minute says it once."""
    # Files are looked at before the transaction begins: that may take a while.
    stand = {key: measure() for key, measure in GAUGES.items()}
    with transaction.atomic():
        for key, quantity in stand.items():
            record_usage(meter=key, quantity=quantity, idempotency_key=f"{key}:{at:%Y%m%dT%H%M}", at=at)


def never_measured(now: datetime) -> QuerySet[Client]:
    """Active tenants of the last half hour of which no gauge is known yet."""
    known = Rollup.objects.filter(tenant=OuterRef("schema_name"), meter__in=GAUGES)
    return Client.objects.active().filter(~Exists(known), created_at__gt=now - EVERY)


def _seats() -> int:
    """People who can sign in; an invitation takes a seat when it is accepted."""
    with transaction.atomic():
        return taken()


GAUGES: Final[dict[str, Callable[[], int]]] = {"seats": _seats, "storage": stored}
