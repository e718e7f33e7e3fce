"""The operators' queue about money: what a person has to look at, put down once and told of by mail."""

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from billing.accounts import letters
from billing.models import Case
from billing.outbox.services import NotNow
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid
from tenants.models import uuid7
from tenants.routers import CONTROL_ALIAS

LONGEST: Final = 2000
TITLES: Final = {
    "catalogue_drift": "Stripe's prices differ from our plans",
    "change_in_dashboard": "Somebody gave credits or set alerts at Stripe",
    "customer_deleted": "A customer was deleted at Stripe",
    "dispute": "A payment is disputed",
    "early_fraud_warning": "A bank warns of fraud",
    "finalization_failed": "An invoice cannot be finalized",
    "late_usage": "Usage has missed its invoice",
    "meter_errors": "Stripe did not count meter events",
    "refund_failed": "A refund has not arrived",
    "second_subscription": "A tenant has two subscriptions",
    "unbound_checkout": "A checkout belongs to nobody",
    "uncollectible": "An invoice was given up",
    "unknown_price": "A subscription has a price that we do not sell",
}


@transaction.atomic(using=CONTROL_ALIAS)
def open_case(*, kind: str, object_id: str, text: str, tenant: str = "") -> None:
    """Put something down and write to the operators, in the transaction that learned of it.

    The text follows from how the object stands. Told again it changes nothing; told otherwise it is news, and stands in
    the open case, or in a new one where somebody has settled the last.
    """
    last = Case.objects.select_for_update().filter(kind=kind, object_id=object_id).first()
    if last is not None and last.text == text:
        return
    if last is not None and last.status == Case.Status.OPEN:
        last.text = text
        last.save(update_fields=["text", "updated_at"])
    else:
        Case.objects.create(kind=kind, object_id=object_id, text=text, tenant=tenant)
    _tell(kind, object_id, text)


def settle_case(*, case_id: UUID, note: str, actor: Actor) -> Case:
    """Take a case off the queue, with what was done about it."""
    note = note.strip()
    if not 1 <= len(note) <= LONGEST:
        raise Invalid(
            f"Say in 1 to {LONGEST} characters what was done about it: it is kept with the case.",
            field="note",
        )
    with transaction.atomic(using=CONTROL_ALIAS):
        case = Case.objects.select_for_update().get(pk=case_id)
        if case.status != Case.Status.OPEN:
            raise NotNow(f"{case.settled_by} has settled it already: {case.note}")
        case.status, case.note = Case.Status.SETTLED, note
        case.settled_at, case.settled_by = timezone.now(), actor.label
        case.save()
        told = {"kind": case.kind, "object": case.object_id, "tenant": case.tenant, "note": note}
        record(actor=actor, verb="billing_case.settled", target=case, data=told, using=CONTROL_ALIAS)
    return case


def _tell(kind: str, object_id: str, text: str) -> None:
    told = f"{text}\n\nIt stands under Cases in the admin ({kind}, {object_id})."
    letters.tell_operators(key=f"case:{kind}:{uuid7()}", subject=TITLES.get(kind, kind), text=told)
