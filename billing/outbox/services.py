"""What operators do to bills: each verb in one transaction with its audit entry."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone

from billing.meters import Meter, meter_named
from billing.models import Difference, Export, Lane
from billing.outbox.reconciling import amend, hour_at, reconcile
from billing.pricing.periods import MONTHS_KEPT, hour_of, months_later
from billing.stripe.sending import Gateway
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict, Invalid
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

Status = Export.Status
RETRIED: Final = (Status.REFUSED, Status.UNCLEAR)
CORRECT: Final = """
    INSERT INTO billing_usagerecord (id, tenant, meter, quantity, idempotency_key, occurred_at, is_correction)
    VALUES (%s, %s, %s, %s, %s, %s, true) ON CONFLICT DO NOTHING"""


class NotNow(Conflict):
    """What is asked for does not fit the state that it is in."""

    code = "not_in_this_state"
    title = "That cannot be done with it now"


def retry_export(*, export_id: UUID, actor: Actor) -> Export:
    """Have a message that Stripe refused, or that stands unclear, sent again."""
    with transaction.atomic(using=CONTROL_ALIAS):
        export = _settled(export_id, RETRIED)
        export.status, export.settled_at, export.error = Status.WAITING, None, ""
        export.tries, export.first_tried_at = 0, None
        export.save()
        Lane.objects.filter(tenant=export.tenant, meter=export.meter).update(retry_at=None, tries=0)
        record(actor=actor, verb="usage_export.retried", target=export, data={"is": export.identifier})
    return export


def accept_export(*, export_id: UUID, actor: Actor) -> Export:
    """Hold a message for counted, because somebody has seen at Stripe that it is."""
    with transaction.atomic(using=CONTROL_ALIAS):
        export = _settled(export_id, (Status.UNCLEAR,))
        export.status, export.settled_at = Status.SENT, timezone.now()
        export.save()
        record(actor=actor, verb="usage_export.accepted", target=export, data={"is": export.identifier})
    return export


def correct_usage(
    *, tenant: str, meter: str, quantity: int, at: datetime, reason: str, key: str, actor: Actor
) -> bool:
    """Add to a tenant's use or take from it; False when this key was used before. Its hour gets a revision.

    Of a gauge the quantity is what it stood at from that moment on.
    """
    _refuse_impossible(meter_named(meter), quantity, at)
    with transaction.atomic(using=CONTROL_ALIAS), connections[CONTROL_ALIAS].cursor() as cursor:
        cursor.execute(CORRECT, (uuid7(), tenant, meter_named(meter).key, quantity, f"correction:{key}", at))
        if not cursor.rowcount:
            return False
        data = {
            "tenant": tenant,
            "meter": meter,
            "quantity": quantity,
            "at": at.isoformat(),
            "reason": reason,
        }
        record(actor=actor, verb="usage.corrected", data=data)
    return True


def _refuse_impossible(meter: Meter, quantity: int, at: datetime) -> None:
    """What would change nothing, has not happened yet, or lies before what can be asked for."""
    if meter.is_gauge and quantity < 0:
        raise Invalid(f"{meter.title} cannot stand below nothing: give what it stood at.", field="quantity")
    if not quantity and not meter.is_gauge:
        raise Invalid("Give what was used more, or with a minus what was used less.", field="quantity")
    now = timezone.now()
    if not months_later(now, -MONTHS_KEPT) < at <= now:
        raise Invalid(
            f"Give a time of the last {MONTHS_KEPT} months; the ledger reaches back so far.", field="at"
        )


def reconcile_usage(
    *, gateway: Gateway, begin: datetime, end: datetime, actor: Actor, tenant: str | None = None
) -> Counter[str]:
    """Compare what was sent with what Stripe has counted, in whole hours; how many hours of each kind there were."""
    counted = reconcile(gateway, begin=hour_of(begin), end=hour_of(end), now=timezone.now(), tenant=tenant)
    record(
        actor=actor,
        verb="usage.reconciled",
        data={"tenant": tenant, "begin": begin.isoformat(), "end": end.isoformat(), **counted},
    )
    return counted


def correct_difference(*, difference_id: UUID, actor: Actor) -> Difference:
    """Bring Stripe's figure of an hour to ours."""
    with transaction.atomic(using=CONTROL_ALIAS):
        difference = _open(difference_id)
        hour = hour_at(difference.tenant, difference.meter, difference.hour, timezone.now())
        if hour is None or hour.is_on_its_way:
            raise NotNow(
                "Something about this hour is still on its way. Reconcile again when it has arrived."
            )
        amend(hour, difference.found)
        return _settle(difference, Difference.Status.CORRECTED, actor)


def dismiss_difference(*, difference_id: UUID, actor: Actor) -> Difference:
    """Leave a difference as it is."""
    with transaction.atomic(using=CONTROL_ALIAS):
        return _settle(_open(difference_id), Difference.Status.DISMISSED, actor)


def _settled(export_id: UUID, statuses: tuple[str, ...]) -> Export:
    export = Export.objects.select_for_update().get(pk=export_id)
    if export.status not in statuses:
        named = " or ".join(Status(status).label.lower() for status in statuses)
        raise NotNow(
            f"The message is {export.get_status_display().lower()}; this is for one that is {named}."
        )
    return export


def _open(difference_id: UUID) -> Difference:
    difference = Difference.objects.select_for_update().get(pk=difference_id)
    if difference.status != Difference.Status.OPEN:
        raise NotNow(f"The difference is {difference.get_status_display().lower()} already.")
    return difference


def _settle(difference: Difference, status: str, actor: Actor) -> Difference:
    difference.status, difference.settled_at, difference.settled_by = status, timezone.now(), actor.label
    difference.save()
    data = {"expected": difference.expected, "found": difference.found, "of": str(difference)}
    record(actor=actor, verb=f"usage_difference.{status}", target=difference, data=data)
    return difference


def last_days(now: datetime) -> tuple[datetime, datetime]:
    """The hours that reconciliation looks at: two days, so that what was late is looked at again."""
    end = hour_of(now) - timedelta(hours=2)
    return end - timedelta(days=2), end
