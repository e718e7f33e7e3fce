"""Background work of the API."""

from uuid import UUID

from celery import shared_task

from tenants.api.idempotency import sweep_idempotency_keys
from tenants.api.jobs import requeue_stale_jobs, run_job, sweep_jobs
from tenants.tasks import TenantTask


@shared_task(base=TenantTask, acks_late=True, reject_on_worker_lost=True)
def run_job_task(job_id: str) -> None:
    """Work on one job until it ends; a message for one that is in other hands does nothing."""
    run_job(UUID(job_id))


@shared_task(base=TenantTask)
def tend_tenant() -> None:
    """Take up in one tenant what dead workers left behind, and forget what was kept long enough."""
    requeue_stale_jobs()
    sweep_idempotency_keys()
    sweep_jobs()
