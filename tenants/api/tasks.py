"""Background work of the API."""

from celery import shared_task

from tenants.api.idempotency import sweep_idempotency_keys
from tenants.tasks import TenantTask


@shared_task(base=TenantTask)
def tend_tenant() -> None:
    """Forget in one tenant what was kept for its callers long enough."""
    sweep_idempotency_keys()
