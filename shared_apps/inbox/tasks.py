"""Background work of the inbox."""

from uuid import UUID

from celery import shared_task

from shared_apps.inbox import processing, storing, sweeping
from tenants.tasks import PublicTask


@shared_task(base=PublicTask)
def process_event(event_id: str) -> None:
    """Have one event handled; a message for one that is in other hands, or settled, does nothing."""
    processing.process(UUID(event_id))


@shared_task(base=PublicTask)
def sweep_events() -> None:
    """Send workers to events whose message was lost, whose worker died, or whose next try has come."""
    for event_id in sweeping.take_overdue():
        storing.wake(event_id)
