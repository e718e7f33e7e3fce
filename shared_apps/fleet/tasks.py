"""Background work on the fleet of schemas."""

from celery import shared_task

from shared_apps.fleet import pool
from tenants.tasks import PublicTask


@shared_task(base=PublicTask)
def fill_pool() -> None:
    """Keep schemas ready for those who sign up next; when the pool is full this is one query."""
    pool.fill_pool()
