"""Looking at claims: who proves a name gets it, who cannot prove it any more loses it.

The name servers are asked before a transaction begins. What they said counts only for the token that was asked for.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Client, Domain
from shared_apps.clients.quarantine import refuse_quarantined
from shared_apps.domains.holding import fall_back, let_go, lock_client
from shared_apps.domains.models import Claim, in_a_week, new_token
from shared_apps.domains.resolving import Findings, look_up
from shared_apps.domains.telling import tell, write_to_owners
from tenants.audit.actors import Actor
from tenants.context import TENANT_ALIAS
from tenants.errors import Conflict
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS

DAILY, HOURLY, LEASE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)
# The platform's address redirects to the primary name: while that leads elsewhere, its visitors go to strangers.
STEPS_DOWN_AFTER: Final = timedelta(days=1)
MOST_AT_ONCE: Final = 200
CHECKER: Final = Actor.system("domain checks")


def take_due_claims() -> list[UUID]:
    """The claims whose check is due, put off for a while so that nobody else takes them meanwhile."""
    with transaction.atomic(using=CONTROL_ALIAS):
        due = Claim.objects.due().select_for_update(skip_locked=True).order_by("next_check_at")
        taken = list(due.values_list("pk", flat=True)[:MOST_AT_ONCE])
        Claim.objects.filter(pk__in=taken).update(next_check_at=timezone.now() + LEASE)
    return taken


def check_claim(*, claim_id: UUID, actor: Actor = CHECKER) -> Claim | None:
    """Ask the name servers about a claim and act on what they say; None when the claim is gone or over."""
    _refuse_inside_a_transaction()
    claim = Claim.objects.select_related("held").filter(pk=claim_id).first()
    if claim is None or not (claim.is_held or claim.is_waiting):
        return None
    findings = look_up(claim)
    with transaction.atomic(using=CONTROL_ALIAS):
        client = lock_client(claim.tenant_id)
        found = Claim.objects.select_for_update().filter(pk=claim_id, token=claim.token).first()
        if found is None:
            return None
        if _act_on(client, found, findings, actor):
            raise_version(CONTROL_ALIAS)
    directory.forget()
    return found


def _refuse_inside_a_transaction() -> None:
    if any(connections[alias].in_atomic_block for alias in (TENANT_ALIAS, CONTROL_ALIAS)):
        raise RuntimeError(
            "check_claim asks name servers, which may take seconds: call it from a task, outside any transaction."
        )


def _act_on(client: Client, claim: Claim, findings: Findings, actor: Actor) -> bool:
    """Keep what was found and draw the consequence; whether the directory of names has changed."""
    _note(claim, findings)
    changed = False
    if claim.is_held:
        changed = _watch(client, claim, findings, actor)
    elif findings.proof.holds and claim.is_waiting:
        changed = _verify(claim, actor)
    claim.next_check_at = timezone.now() + _pause(claim)
    claim.save()
    return changed


def _note(claim: Claim, findings: Findings) -> None:
    claim.checked_at, claim.checks = timezone.now(), claim.checks + 1
    claim.problem = findings.proof.problem[:500]
    claim.pointing_problem = findings.pointing.problem[:500]
    # No answer is no news: what was known stays.
    if findings.pointing.holds is not None:
        claim.is_pointing = findings.pointing.holds
    if findings.pointing.holds:
        claim.pointed_at = claim.checked_at


def _pause(claim: Claim) -> timedelta:
    if claim.is_held:
        return HOURLY if claim.is_dangling or claim.problem else DAILY
    return min(timedelta(minutes=2 ** min(claim.checks, 6)), HOURLY)


def _verify(claim: Claim, actor: Actor) -> bool:
    """Make the Domain row; its unique index decides between two who have proven the same name."""
    try:
        with transaction.atomic(using=CONTROL_ALIAS):
            claim.held = Domain.objects.create(
                domain=claim.domain, tenant_id=claim.tenant_id, is_primary=False, verified_at=timezone.now()
            )
            # Not before: the insertion has waited for whoever was just releasing the name.
            refuse_quarantined(claim.domain, claim.tenant_id, CONTROL_ALIAS)
    except IntegrityError:
        claim.held = None
        claim.problem = "The record is right, but another workspace has proven this name before."
        return False
    except Conflict as refusal:
        claim.held, claim.problem = None, refusal.detail[:500]
        return False
    tell(claim, actor, "domain.verified")
    return True


def _watch(client: Client, claim: Claim, findings: Findings, actor: Actor) -> bool:
    """A held name goes on proving itself: who loses the domain elsewhere must lose it here as well."""
    has_left = findings.pointing.holds is False and claim.pointed_at is not None
    if findings.proof.holds is False or has_left:
        return _count_failure(client, claim, actor)
    is_well = findings.proof.holds and (findings.pointing.holds or claim.pointed_at is None)
    if claim.failing_since is not None and is_well:
        claim.failing_since = None
        tell(claim, actor, "domain.recovered")
    return False


def _count_failure(client: Client, claim: Claim, actor: Actor) -> bool:
    now, problem = timezone.now(), claim.problem or claim.pointing_problem
    if claim.failing_since is None:
        claim.failing_since = now
        tell(claim, actor, "domain.dangling", problem=problem)
        write_to_owners(claim, "dangling")
    since = now - claim.failing_since
    if since >= settings.DOMAIN_GRACE:
        _drop(client, claim, actor, problem)
        return True
    if since >= STEPS_DOWN_AFTER and claim.is_primary:
        fall_back(client, claim)
        tell(claim, actor, "domain.stepped_down", problem=problem)
        return True
    return False


def _drop(client: Client, claim: Claim, actor: Actor, problem: str) -> None:
    """Take a name back that has not been proven for long; whoever comes next has to show a fresh token."""
    tell(claim, actor, "domain.dropped", problem=problem)
    write_to_owners(claim, "dropped")
    let_go(client, claim)
    claim.token, claim.expires_at, claim.checks = new_token(), in_a_week(), 0
    claim.is_pointing, claim.pointed_at, claim.failing_since = False, None, None
