"""Background work of the inbox."""

from uuid import UUID

import structlog
from celery import shared_task
from django.core.mail import send_mail

from shared_apps.inbox import processing, services, sweeping
from shared_apps.inbox.models import ReceivedEvent
from shared_apps.inbox.sending import send_together
from tenants.audit.actors import Actor
from tenants.tasks import PublicTask
from tenants.users.models import User

log = structlog.get_logger("rowhouse.inbox")
GIVEN_UP = """{count} events of Stripe's could not be processed, and were given up.

The oldest came on {oldest:%Y-%m-%d at %H:%M} UTC: {name}
{note}

Subscriptions, invoices or access of tenants may not be as they are at Stripe. Look at Stripe's events in the admin:
what each of them failed with stands there. Mend the cause, then process them again; dismiss what nobody needs.
"""


@shared_task(base=PublicTask)
def process_events(event_ids: list[str]) -> None:
    """Have events handled, one after the other; those that are in other hands, or settled, are left alone."""
    for event_id in event_ids:
        processing.process(UUID(event_id))


@shared_task(base=PublicTask)
def sweep_events() -> None:
    """Send workers to events whose message was lost, whose worker died, or whose next try has come."""
    for event_id in sweeping.take_overdue():
        # Alone: one over which workers die must not keep others with it.
        send_together([event_id])


@shared_task(base=PublicTask)
def fetch_missing_events() -> None:
    """Ask Stripe's list for what never came; without an account there is none."""
    if services.can_fetch():
        services.fetch_missing(actor=Actor.system("inbox"))


@shared_task(base=PublicTask)
def tend_events() -> None:
    """Drop what is old, and write to the operators as long as there are events that were given up."""
    sweeping.forget_old()
    dead = ReceivedEvent.objects.dead()
    oldest = dead.order_by("created_at", "id").first()
    if oldest is None:
        return
    count = dead.count()
    log.error("inbox.events_given_up", count=count, oldest=oldest.stripe_id)
    letter = GIVEN_UP.format(count=count, oldest=oldest.created_at, name=oldest, note=oldest.note)
    operators = list(User.objects.filter(is_active=True).values_list("email", flat=True))
    send_mail("Events of Stripe's were given up", letter, None, operators)
