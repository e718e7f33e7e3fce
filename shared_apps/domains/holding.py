"""How a held name becomes primary, stops being it, and is let go; each inside its caller's transaction.

Whoever changes names of a tenant locks its client first and a claim second, so that two can wait but never for
each other.
"""

from uuid import UUID

from shared_apps.clients.models import Client, Domain
from shared_apps.clients.quarantine import release_name
from shared_apps.domains.models import Claim
from tenants.errors import Conflict, NotFound
from tenants.routers import CONTROL_ALIAS


class NotReady(Conflict):
    """The name cannot be the primary one, or cannot stop being it, as things are."""

    code = "domain_not_ready"
    title = "This name is not ready"


def lock_client(client_id: UUID) -> Client:
    """The client's row, which orders all changes to the names of one tenant."""
    client = Client.objects.select_for_update(no_key=True).filter(pk=client_id).first()
    if client is None:
        raise NotFound("This workspace does not exist any more.")
    return client


def lock_claim(tenant_id: UUID, claim_id: UUID) -> Claim:
    """One claim of a tenant; another tenant's is not found."""
    claim = Claim.objects.of(tenant_id).select_for_update().filter(pk=claim_id).first()
    if claim is None:
        raise NotFound("This domain is not in your list any more.")
    return claim


def make_primary_domain(client: Client, domain: Domain) -> None:
    """Move the mark of the primary name; the index allows one a tenant, so the old one goes first."""
    Domain.objects.filter(tenant=client, is_primary=True).update(is_primary=False)
    Domain.objects.filter(pk=domain.pk).update(is_primary=True)
    domain.is_primary = True


def fall_back(client: Client, claim: Claim) -> None:
    """Make the platform's own address the primary one in a custom name's place."""
    assert claim.held is not None
    others = Domain.objects.filter(tenant=client, verified_at__isnull=False).exclude(pk=claim.held.pk)
    heir = others.filter(domain=client.host).first() or others.filter(claim__isnull=True).first()
    if heir is None:
        raise NotReady(f"{claim.domain} is the only address of this workspace, so it has to stay.")
    make_primary_domain(client, heir)
    claim.held.is_primary = False


def let_go(client: Client, claim: Claim) -> None:
    """End a held name: it leads nowhere from the commit on, and nobody else gets it for a while."""
    assert claim.held is not None
    if claim.is_primary:
        fall_back(client, claim)
    held, claim.held = claim.held, None
    claim.save(update_fields=["held", "updated_at"])
    held.delete()
    release_name(name=claim.domain, tenant_id=claim.tenant_id, using=CONTROL_ALIAS)
