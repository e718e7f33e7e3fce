"""Rolling up on a schedule."""

from celery import shared_task

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.reports import services
from tenants.context import tenant_context
from tenants.standing import Purpose
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=TenantTask, purpose=Purpose.UPKEEP)
def roll_up_tenant() -> None:
    """Add up one tenant's days that have changed."""
    services.roll_up()


@shared_task(base=PublicTask)
def roll_up_all() -> None:
    """Send the work to each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            roll_up_tenant.delay()
