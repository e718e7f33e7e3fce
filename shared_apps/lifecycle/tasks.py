"""Background work of whole tenants."""

from uuid import UUID

from celery import shared_task

from shared_apps.lifecycle import services
from tenants.tasks import PublicTask


@shared_task(base=PublicTask, acks_late=True, reject_on_worker_lost=True)
def run_operation_task(operation_id: str) -> None:
    """Do what is left of an operation; a message for one that is in other hands does nothing."""
    services.run_operation(UUID(operation_id))


@shared_task(base=PublicTask)
def sweep_operations() -> None:
    """Begin the purges that are due, and send workers for what dead ones and lost messages left behind."""
    for operation_id in services.sweep_operations():
        run_operation_task.delay(str(operation_id))
