"""Gauges are measured every half hour; of the measures of an hour its rollup takes the last, or the largest."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import transaction

from billing.limits.seats import taken
from billing.limits.storing import stored
from billing.usage.ledger import record_usage


def take_snapshots(at: datetime) -> None:
    """Write down how every gauge of the current tenant stands; a task that runs twice in a minute says it once."""
    # Files are looked at before the transaction begins: that may take a while.
    stand = {key: measure() for key, measure in GAUGES.items()}
    with transaction.atomic():
        for key, quantity in stand.items():
            record_usage(meter=key, quantity=quantity, idempotency_key=f"{key}:{at:%Y%m%dT%H%M}", at=at)


def _seats() -> int:
    """People who can sign in; an invitation takes a seat when it is accepted."""
    with transaction.atomic():
        return taken()


GAUGES: Final[dict[str, Callable[[], int]]] = {"seats": _seats, "storage": stored}
