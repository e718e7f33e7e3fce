"""Background work of documents."""

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.invoices.filing import make_file, unfinished_files
from tenants.context import tenant_context
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=TenantTask, acks_late=True, reject_on_worker_lost=True)
def make_invoice_file(invoice_id: str) -> None:
    """Make the PDF of one document; a message for one that has it does nothing."""
    make_file(UUID(invoice_id))


@shared_task(base=TenantTask)
def sweep_tenant_invoices() -> None:
    """Send again what dead workers and lost messages left behind in one tenant."""
    for invoice_id in unfinished_files(timezone.now()):
        make_invoice_file.delay(str(invoice_id))


@shared_task(base=PublicTask)
def sweep_invoices() -> None:
    """Send the sweep to each active tenant."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            sweep_tenant_invoices.delay()
