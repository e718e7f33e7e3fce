"""Work that is asked for in this room itself; what the schedule asks for stands in `billing/tasks.py`."""

from celery import shared_task

from billing.accounts import letters
from tenants.tasks import PublicTask


# The name is the schedule's, and that of messages on their way.
@shared_task(base=PublicTask, name="billing.tasks.post_letters")
def post_letters() -> None:
    """Mail what was written about money: soon after its transaction, and whatever the queue has lost."""
    letters.post_due()
