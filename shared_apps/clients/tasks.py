"""Background work for all tenants."""

from celery import shared_task

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenants.api.tasks import tend_tenant
from tenants.context import tenant_context
from tenants.tasks import PublicTask


@shared_task(base=PublicTask)
def tend_tenants() -> None:
    """Have stale jobs taken up and old answers forgotten in each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            tend_tenant.delay()
