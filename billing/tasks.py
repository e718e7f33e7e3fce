"""Background work of billing."""

from celery import shared_task
from django.utils import timezone

from billing import partitions
from billing.snapshots import take_snapshots
from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.context import tenant_context
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=PublicTask)
def tend_ledger() -> None:
    """Make the months ahead and drop those that are kept no longer."""
    today = timezone.now().date()
    partitions.make_months(today)
    partitions.drop_months(today)


@shared_task(base=TenantTask)
def measure_tenant() -> None:
    """Measure the gauges of one tenant."""
    take_snapshots(timezone.now())


@shared_task(base=PublicTask)
def measure_all() -> None:
    """Have the gauges of each active tenant measured."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            measure_tenant.delay()
