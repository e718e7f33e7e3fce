"""Background work of webhooks."""

from uuid import UUID

import structlog
from celery import shared_task
from django.db import DatabaseError

from shared_apps.clients.models import Client
from shared_apps.clients.services import as_tenant
from tenant_apps.webhooks import due
from tenant_apps.webhooks.delivering import deliver_to, hint_at_everything_due
from tenant_apps.webhooks.services import forget_old_events
from tenant_apps.webhooks.switching import send_letter
from tenants.context import tenant_context
from tenants.hosts import directory
from tenants.standing import Purpose, work_for
from tenants.status import Work
from tenants.tasks import PublicTask, TenantTask

log = structlog.get_logger("rowhouse.webhooks")


@shared_task(base=TenantTask, purpose=Purpose.UPKEEP)
def deliver(endpoint_id: str) -> None:
    """Send what waits for one endpoint; a message for one that is in other hands does nothing."""
    deliver_to(UUID(endpoint_id))


@shared_task(
    base=TenantTask, purpose=Purpose.UPKEEP, autoretry_for=(OSError,), retry_backoff=True, max_retries=8
)
def mail_owners(endpoint_id: str) -> None:
    """Write to the owners about an endpoint; an unreachable mail server is tried again."""
    send_letter(UUID(endpoint_id))


@shared_task(base=PublicTask)
def sweep_due() -> None:
    """Hand over the endpoints whose time has come, by the hints: retries, and what dead workers left behind."""
    for schema, endpoint_id in due.take_overdue():
        tenant = directory.by_schema(schema)
        if tenant is None or work_for(tenant, deliver.purpose) == Work.DROP:
            due.drop(schema, endpoint_id)
            continue
        with tenant_context(tenant):
            deliver.delay(endpoint_id)


@shared_task(base=PublicTask)
def sweep_everything() -> None:
    """Ask every active tenant's own tables what is due: slowly, and right even if Valkey has lost all."""
    for client in Client.objects.active().iterator():
        tenant = as_tenant(client)
        try:
            with tenant_context(tenant):
                hint_at_everything_due()
        except DatabaseError:
            # One schema that is being worked on must not keep the others waiting.
            log.exception("webhooks.sweep_failed", schema=tenant.schema)


@shared_task(base=TenantTask, purpose=Purpose.UPKEEP)
def forget_old_events_of_tenant() -> None:
    """Drop what is older than the log reaches back."""
    forget_old_events()


@shared_task(base=PublicTask)
def sweep_old_events() -> None:
    """Send the cleaning to each active tenant, once a day."""
    for client in Client.objects.active().iterator():
        with tenant_context(as_tenant(client)):
            forget_old_events_of_tenant.delay()
