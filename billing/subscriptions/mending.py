"""Making good what was cut off: deeds that were begun and of which nobody has heard the end."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.utils import timezone

from billing.accounts.projecting import held, project_customer, project_subscriptions
from billing.accounts.reading import Unknown
from billing.models import Deed
from billing.stripe.client import StripeFailed
from billing.subscriptions.binding import VERB, bind_found
from tenants.routers import CONTROL_ALIAS

# Whoever is at it has given up by then.
LEFT: Final = timedelta(minutes=5)
BATCH: Final = 100
log = structlog.get_logger("rowhouse.billing")


def mend_deeds(now: datetime) -> int:
    """Take over what became of deeds that were left; how many came to an end."""
    rows = Deed.objects.filter(status=Deed.Status.BEGUN, created_at__lt=now - LEFT).order_by("created_at")
    return sum(_mended(deed) for deed in rows[:BATCH])


def _mended(deed: Deed) -> bool:
    try:
        if deed.verb == VERB:
            bind_found(deed)
        else:
            _look_again(deed)
    except StripeFailed as failure:
        log.warning("billing.deed_not_mended", deed=deed.key, error=str(failure))
        return False
    except Unknown as unknown:
        end_deed(deed, Deed.Status.REFUSED, str(unknown))
    return True


def _look_again(deed: Deed) -> None:
    """Whatever it was, how things stand at Stripe is what counts."""
    with held(tenant=deed.tenant) as customer:
        project_subscriptions(customer)
        project_customer(customer)
        end_deed(deed, Deed.Status.DONE, "Left by who did it; taken over as Stripe has it.")


def end_deed(deed: Deed, status: str, error: str) -> None:
    """Close a deed, unless somebody has."""
    with transaction.atomic(using=CONTROL_ALIAS):
        Deed.objects.filter(pk=deed.pk, status=Deed.Status.BEGUN).update(
            status=status, error=error, ended_at=timezone.now()
        )
