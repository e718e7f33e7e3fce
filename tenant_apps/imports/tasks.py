"""Background work of imports."""

from uuid import UUID

from celery import shared_task

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.imports.running import run_import
from tenant_apps.imports.services import requeue_stale_imports
from tenants.context import tenant_context
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=TenantTask, acks_late=True, reject_on_worker_lost=True)
def run_import_task(import_id: str) -> None:
    """Work on one import until it ends; a message for one that is in other hands does nothing."""
    run_import(UUID(import_id))


@shared_task(base=TenantTask)
def sweep_tenant_imports() -> None:
    """Take up what dead workers and lost messages left behind in one tenant."""
    requeue_stale_imports()


@shared_task(base=PublicTask)
def sweep_imports() -> None:
    """Send the sweep to each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            sweep_tenant_imports.delay()
