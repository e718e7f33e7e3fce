"""What owners and operators do with names: claim, have checked, make primary, step down, release, free."""

from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shared_apps.clients.directory import raise_version
from shared_apps.clients.models import Domain, ReleasedName
from shared_apps.clients.quarantine import refuse_quarantined
from shared_apps.domains.holding import (
    NotReady,
    fall_back,
    let_go,
    lock_claim,
    lock_client,
    make_primary_domain,
)
from shared_apps.domains.models import KEPT_EXPIRED, Claim
from shared_apps.domains.names import check_domain
from shared_apps.domains.telling import tell
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Conflict
from tenants.hosts import directory
from tenants.routers import CONTROL_ALIAS
from tenants.throttling import Limit

MOST_CLAIMS: Final = 20
CLAIMS: Final = Limit("domain-claims", most=30, seconds=3600)
CHECKS: Final = Limit("domain-checks", most=6, seconds=120)


class DomainTaken(Conflict):
    """A workspace has proven that the name is its own."""

    code = "domain_taken"
    title = "This name leads to a workspace already"


class AlreadyClaimed(Conflict):
    """The name is in the tenant's own list."""

    code = "already_claimed"
    title = "This name is in your list already"


class TooManyDomains(Conflict):
    """The list is full."""

    code = "too_many_domains"
    title = "The list of domains is full"


def claim_domain(*, tenant_id: UUID, domain: str, actor: Actor) -> Claim:
    """Begin a claim with a token of its own; raises BadDomain, DomainTaken, NameInQuarantine, AlreadyClaimed."""
    name = check_domain(domain)
    CLAIMS.refuse_beyond(str(tenant_id))
    CLAIMS.count(str(tenant_id))
    with transaction.atomic(using=CONTROL_ALIAS):
        lock_client(tenant_id)
        _make_room(tenant_id, name)
        _refuse_taken(name)
        refuse_quarantined(name, tenant_id, CONTROL_ALIAS)
        claim = Claim.objects.create(tenant_id=tenant_id, domain=name)
        tell(claim, actor, "domain.claimed")
    return claim


def request_check(*, tenant_id: UUID, claim_id: UUID) -> Claim:
    """Have a worker look at a claim now; at most a few times in two minutes."""
    CHECKS.refuse_beyond(str(claim_id))
    CHECKS.count(str(claim_id))
    with transaction.atomic(using=CONTROL_ALIAS):
        claim = lock_claim(tenant_id, claim_id)
        claim.asked_at = claim.next_check_at = timezone.now()
        claim.save(update_fields=["asked_at", "next_check_at", "updated_at"])
        # Robust: what the queue does not take, the schedule finds a minute later.
        transaction.on_commit(lambda: _enqueue(claim_id), using=CONTROL_ALIAS, robust=True)
    return claim


def make_primary(*, tenant_id: UUID, claim_id: UUID, actor: Actor) -> Claim:
    """Make a proven name that leads here the tenant's address; its other names redirect there."""
    with transaction.atomic(using=CONTROL_ALIAS):
        client, claim = lock_client(tenant_id), lock_claim(tenant_id, claim_id)
        if claim.is_primary:
            return claim
        if claim.held is None or not claim.may_be_primary:
            raise NotReady(_what_is_missing(claim))
        make_primary_domain(client, claim.held)
        tell(claim, actor, "domain.made_primary")
        raise_version(CONTROL_ALIAS)
    directory.forget()
    return claim


def step_down(*, tenant_id: UUID, claim_id: UUID, actor: Actor) -> Claim:
    """Make the platform's own address the primary one again; the name goes on to lead here."""
    with transaction.atomic(using=CONTROL_ALIAS):
        client, claim = lock_client(tenant_id), lock_claim(tenant_id, claim_id)
        if not claim.is_primary:
            return claim
        fall_back(client, claim)
        tell(claim, actor, "domain.stepped_down")
        raise_version(CONTROL_ALIAS)
    directory.forget()
    return claim


def release_domain(*, tenant_id: UUID, claim_id: UUID, actor: Actor) -> None:
    """Let a name go. One that was held leads nowhere from now on and is in quarantine."""
    with transaction.atomic(using=CONTROL_ALIAS):
        client, claim = lock_client(tenant_id), lock_claim(tenant_id, claim_id)
        tell(claim, actor, "domain.released")
        was_held = claim.is_held
        if was_held:
            let_go(client, claim)
        claim.delete()
        if was_held:
            raise_version(CONTROL_ALIAS)
    directory.forget()


def free_name(*, released_id: UUID, actor: Actor) -> str:
    """End a quarantine early, for a name that has changed hands lawfully; the operators' judgement."""
    with transaction.atomic(using=CONTROL_ALIAS):
        released = ReleasedName.objects.select_for_update().get(pk=released_id)
        record(actor=actor, verb="name.freed", target=released, data={"name": released.name})
        released.delete()
    return released.name


def forget_expired_claims() -> int:
    """Delete the claims that nobody has proven or renewed for long; how many there were."""
    over = Claim.objects.filter(held__isnull=True, expires_at__lte=timezone.now() - KEPT_EXPIRED)
    return over.delete()[0]


def _make_room(tenant_id: UUID, name: str) -> None:
    """Refuse what the list holds already, and a full list; an expired claim makes way for its successor."""
    claims = Claim.objects.of(tenant_id)
    known = claims.filter(domain=name).first()
    if known is not None and (known.is_held or known.is_waiting):
        raise AlreadyClaimed(
            f"{name} is in your list of domains already. Look there what it needs.", field="domain"
        )
    if known is not None:
        known.delete()
    if claims.count() >= MOST_CLAIMS:
        raise TooManyDomains(
            f"A workspace may have {MOST_CLAIMS} domains. Release one that is not needed any more.",
            field="domain",
        )


def _refuse_taken(name: str) -> None:
    if Domain.objects.filter(domain=name).exists():
        raise DomainTaken(
            f"{name} leads to another workspace. Whoever runs that has to release the name first; when it has "
            "changed hands, the platform's operators can help.",
            field="domain",
        )


def _what_is_missing(claim: Claim) -> str:
    wish = f"{claim.domain} can become the primary address once it is verified and points to"
    return f"{wish} {settings.CUSTOM_DOMAIN_TARGET}. {claim.problem or claim.pointing_problem}".strip()


def _enqueue(claim_id: UUID) -> None:
    from shared_apps.domains.tasks import check_one_claim

    check_one_claim.delay(str(claim_id))
