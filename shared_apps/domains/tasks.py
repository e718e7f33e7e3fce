"""Background work of domains: checks, sweeps, and letters to owners."""

from uuid import UUID

from celery import shared_task

from shared_apps.clients.quarantine import forget_released_names
from shared_apps.domains.checking import check_claim, take_due_claims
from shared_apps.domains.services import forget_expired_claims
from shared_apps.domains.telling import send_letter
from tenants.standing import Purpose
from tenants.tasks import PublicTask, TenantTask


@shared_task(base=PublicTask)
def check_one_claim(claim_id: str) -> None:
    """Ask the name servers about one claim."""
    check_claim(claim_id=UUID(claim_id))


@shared_task(base=PublicTask)
def check_due_claims() -> None:
    """Send a check for each claim whose time has come: minutes apart at first, then daily."""
    for claim_id in take_due_claims():
        check_one_claim.delay(str(claim_id))


@shared_task(base=PublicTask)
def sweep_names() -> None:
    """Forget expired claims, and names whose quarantine is over."""
    forget_expired_claims()
    forget_released_names()


@shared_task(
    base=TenantTask, purpose=Purpose.UPKEEP, autoretry_for=(OSError,), retry_backoff=True, max_retries=8
)
def mail_owners(letter: str, domain: str, problem: str) -> None:
    """Write to the owners about a name; an unreachable mail server is tried again."""
    send_letter(letter, domain, problem)
