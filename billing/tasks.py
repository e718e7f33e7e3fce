"""Background work of billing."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

import structlog
from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.utils import timezone

from billing.accounts import trials
from billing.accounts.tasks import post_letters  # noqa: F401  (workers look for tasks here)
from billing.limits import budgets
from billing.outbox import exporting, services
from billing.outbox.flushing import exporter_of_process
from billing.stripe.meters import gateway
from billing.subscriptions import mending
from billing.usage import alerts, partitions, rollups
from billing.usage.snapshots import never_measured, take_snapshots
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.audit.actors import Actor
from tenants.context import tenant_context
from tenants.hosts import directory
from tenants.standing import Purpose
from tenants.tasks import PublicTask, TenantTask
from tenants.users.models import User

MOST_BATCHES: Final = 20
BUDGETS_KEPT: Final = timedelta(days=100)
log = structlog.get_logger("rowhouse.billing")
STUCK = """{count} messages about usage have been waiting for Stripe for more than a week.

The oldest is about {oldest}. Stripe takes none that is older than 35 days. Look at the usage outbox in the admin: the
last error stands at each message.
"""


@shared_task(base=PublicTask)
def fold_usage() -> None:
    """Bring rollups up to the ledger, seal the hours that are complete, and have look who passed what by it."""
    rollups.fold()
    watch_usage.delay()


@shared_task(base=PublicTask)
def watch_usage() -> None:
    """Look at the thresholds of all whose use has changed, and have those written to who passed one."""
    alerts.look_at_all()
    for schema in alerts.unmailed(timezone.now()):
        if (tenant := directory.by_schema(schema)) is not None:
            with tenant_context(tenant):
                mail_alerts.delay()


@shared_task(base=TenantTask, purpose=Purpose.UPKEEP)
def mail_alerts() -> None:
    """Write to the owners and admins of one tenant about the thresholds that it has passed."""
    alerts.send_letters(timezone.now())


@shared_task(base=PublicTask)
def export_usage() -> None:
    """Send what waits in the outbox."""
    if (exporter := exporter_of_process()) is not None:
        exporter.run()
    else:
        exporting.set_aside(timezone.now())


@shared_task(base=PublicTask)
def reconcile_last_days() -> None:
    """Compare the last two days with Stripe's count, and tell of messages that have waited for too long."""
    now = timezone.now()
    if (way := gateway()) is not None:
        begin, end = services.last_days(now)
        services.reconcile_usage(gateway=way, begin=begin, end=end, actor=Actor.system("reconciliation"))
    count, oldest = exporting.stuck(now)
    if oldest is not None:
        log.error("billing.exports_stuck", count=count, oldest=oldest.isoformat())
        operators = list(User.objects.filter(is_active=True).values_list("email", flat=True))
        send_mail("Usage does not reach Stripe", STUCK.format(count=count, oldest=oldest), None, operators)


@shared_task(base=PublicTask)
def take_back_leases() -> None:
    """Take back what processes have leased of budgets and not spent in time: they were killed, or had no use for it."""
    for _ in range(MOST_BATCHES):
        if budgets.take_back_ended() < budgets.BATCH:
            break


@shared_task(base=PublicTask)
def tend_ledger() -> None:
    """Make the months ahead, and drop what is kept no longer."""
    today = timezone.now().date()
    partitions.make_months(today)
    partitions.drop_months(today)
    budgets.forget_before(timezone.now() - BUDGETS_KEPT)
    first = datetime.combine(partitions.first_kept(today), time(), UTC)
    exporting.forget_settled(first)
    rollups.forget_sources(first)


@shared_task(base=TenantTask, purpose=Purpose.UPKEEP)
def measure_tenant() -> None:
    """Measure the gauges of one tenant."""
    take_snapshots(timezone.now())


@shared_task(base=PublicTask)
def measure_all() -> None:
    """Have the gauges of each active tenant measured."""
    _measure(Client.objects.active())


@shared_task(base=PublicTask)
def measure_new() -> None:
    """Have those measured that have just come: with their half hour still ahead, a page would tell of no seats."""
    _measure(never_measured(timezone.now()))


def _measure(clients: QuerySet[Client]) -> None:
    for client in clients.iterator():
        with tenant_context(as_tenant(client)):
            measure_tenant.delay()


@shared_task(base=PublicTask)
def end_what_is_over() -> None:
    """End trials and times of grace that are over."""
    now = timezone.now()
    trials.end_trials(now)
    trials.end_graces(now)


@shared_task(base=PublicTask)
def tell_of_trials() -> None:
    """Write to those whose trial is about to end."""
    trials.tell_of_trials(timezone.now())


@shared_task(base=PublicTask)
def mend_deeds() -> None:
    """Take over at Stripe what was begun there and left."""
    if settings.STRIPE_API_KEY:
        mending.mend_deeds(timezone.now())
