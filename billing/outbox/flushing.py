"""Bringing all that a tenant has used to Stripe before an invoice becomes final, and what did not get there."""

from datetime import datetime, timedelta
from functools import cache
from typing import Final

from billing.models import Customer, Export, Lane, LateItem
from billing.outbox.apart import note_late_use, send_items
from billing.outbox.aside import aside
from billing.outbox.exporting import Exporter, flush
from billing.stripe.client import account
from billing.stripe.meters import gateway
from shared_apps.inbox.registry import Later

# A draft stays one for an hour. After a minute a try would meet the export that runs each minute, again and again.
PAUSE: Final = timedelta(seconds=15)


@cache
def exporter_of_process() -> Exporter | None:
    """One for all turns of this process: its pace and its breaker know of the turns before."""
    way = gateway()
    return Exporter(way) if way is not None else None


def bring_use(tenant: str, *, before: datetime | None = None) -> bool:
    """Send what a tenant has used up to now, or up to the end of a period; whether all of it arrived."""
    return aside(lambda: _bring(tenant, before))


def fill_draft(customer: Customer, *, invoice: str, before: datetime | None) -> None:
    """Have all use on a draft: by its meters, and by items what comes too late for these.

    Raises Later when something has not arrived yet.
    """
    aside(lambda: _fill(customer, invoice, before))


def bring_last_use(tenant: str) -> list[LateItem]:
    """Send what a tenant has used to its end; the items that no invoice follows for."""
    return aside(lambda: _bring_last(tenant))


def missing(tenant: str, end: datetime) -> int:
    """How many messages about the time before have not come to an end."""
    return Export.objects.filter(tenant=tenant, status=Export.Status.WAITING, at__lt=end).count()


def _bring(tenant: str, before: datetime | None) -> bool:
    found = exporter_of_process()
    if found is None:
        return False
    # A lane that rests after a failure would sleep through the hour of the draft.
    Lane.objects.filter(tenant=tenant).update(retry_at=None)
    return flush(found, tenant, before=before)


def _bring_last(tenant: str) -> list[LateItem]:
    _bring(tenant, None)
    note_late_use(account(), tenant)
    return list(LateItem.objects.filter(tenant=tenant, status=LateItem.Status.WAITING))


def _fill(customer: Customer, invoice: str, before: datetime | None) -> None:
    arrived = _bring(customer.tenant, before)
    note_late_use(account(), customer.tenant)
    send_items(account(), customer, invoice)
    if not arrived:
        raise Later(f"Use of {customer.tenant} is still on its way to {invoice}.", after=PAUSE)
