"""Claiming, making primary, stepping down, releasing: what owners do with names."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from shared_apps.clients.models import Domain, ReleasedName
from shared_apps.clients.quarantine import (
    NameInQuarantine,
    forget_released_names,
    refuse_quarantined,
    release_name,
)
from shared_apps.domains import services
from shared_apps.domains.holding import NotReady
from shared_apps.domains.models import Claim
from shared_apps.domains.services import (
    AlreadyClaimed,
    DomainTaken,
    TooManyDomains,
    forget_expired_claims,
    free_name,
    make_primary,
    release_domain,
    request_check,
    step_down,
)
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, public_context, unit_of_work
from tenants.errors import NotFound
from tenants.hosts import directory
from tenants.throttling import TooManyRequests
from tests.domains.conftest import OWNER, check, claim_for, fresh, set_back
from tests.domains.nameserver import NameServer

Prove = Callable[..., Claim]


def primary_of(tenant: Tenant) -> str:
    return Domain.objects.get(tenant_id=tenant.id, is_primary=True).domain


def told(tenant: Tenant, verb: str) -> list[dict[str, str]]:
    """What the tenant's own log says of a verb."""
    with unit_of_work(tenant):
        return list(AuditEntry.objects.filter(verb=verb).values_list("data", flat=True))


def told_to_operators(verb: str) -> list[dict[str, str]]:
    with public_context():
        return list(AuditEntry.objects.filter(verb=verb).values_list("data", flat=True))


# Claiming


def test_each_claim_has_a_token_of_its_own(acme: Tenant, globex: Tenant) -> None:
    one, other = claim_for(acme), claim_for(globex)
    assert one.domain == other.domain
    assert one.token != other.token
    assert len(bytes.fromhex(one.token)) * 8 >= 128
    assert one.state == Claim.State.WAITING


def test_a_claim_leads_nowhere(claim: Claim) -> None:
    directory.forget()
    assert directory.by_host(claim.domain) is None


def test_a_name_is_claimed_once_a_tenant(acme: Tenant, claim: Claim) -> None:
    with pytest.raises(AlreadyClaimed, match=r"shop\.acme\.example is in your list"):
        claim_for(acme, "SHOP.acme.example.")


def test_an_expired_claim_is_renewed_with_a_fresh_token(acme: Tenant, claim: Claim) -> None:
    set_back(claim, expires_at=timedelta(0))
    assert fresh(claim).state == Claim.State.EXPIRED
    assert claim_for(acme).token != claim.token
    assert Claim.objects.count() == 1


def test_an_expired_claim_is_forgotten_after_another_week(claim: Claim) -> None:
    set_back(claim, expires_at=timedelta(days=6))
    assert forget_expired_claims() == 0
    set_back(claim, expires_at=timedelta(days=7))
    assert forget_expired_claims() == 1


def test_a_name_that_leads_to_somebody_is_refused(globex: Tenant, held: Claim) -> None:
    with pytest.raises(DomainTaken, match="leads to another workspace"):
        claim_for(globex)


def test_the_list_ends_somewhere(acme: Tenant, claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_CLAIMS", 1)
    with pytest.raises(TooManyDomains, match="may have 1 domains"):
        claim_for(acme, "other.example")


def test_claiming_is_limited_in_time(acme: Tenant) -> None:
    for number in range(services.CLAIMS.most):
        claim = claim_for(acme, f"n{number}.example")
        with public_context():
            release_domain(tenant_id=acme.id, claim_id=claim.pk, actor=OWNER)
    with pytest.raises(TooManyRequests):
        claim_for(acme, "one-more.example")


def test_both_logs_tell_of_it(acme: Tenant, claim: Claim) -> None:
    assert told(acme, "domain.claimed") == [{"domain": claim.domain}]
    assert told_to_operators("domain.claimed") == [{"domain": claim.domain, "tenant": str(acme.id)}]


# The primary name


def test_a_name_that_is_proven_and_points_here_becomes_the_address(acme: Tenant, held: Claim) -> None:
    assert held.state == Claim.State.POINTING
    version = directory._directory.version()
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert fresh(held).state == Claim.State.PRIMARY
    assert primary_of(acme) == held.domain
    assert directory._directory.version() > version
    found = directory.by_schema(acme.schema)
    assert found is not None
    assert found.host == held.domain
    assert told_to_operators("domain.made_primary")


def test_a_name_that_points_elsewhere_does_not(acme: Tenant, claim: Claim, prove: Prove) -> None:
    proven = prove(claim, pointing=False)
    assert proven.state == Claim.State.VERIFIED
    with pytest.raises(NotReady, match=r"points to domains\.rowhouse\.example\. shop.* points nowhere"):
        make_primary(tenant_id=acme.id, claim_id=claim.pk, actor=OWNER)
    assert primary_of(acme) == acme.host


def test_nor_does_one_that_is_not_proven(acme: Tenant, claim: Claim) -> None:
    with pytest.raises(NotReady, match="once it is verified"):
        make_primary(tenant_id=acme.id, claim_id=claim.pk, actor=OWNER)


def test_the_platforms_address_comes_back_by_stepping_down(acme: Tenant, held: Claim) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    step_down(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert primary_of(acme) == acme.host
    assert directory.by_host(held.domain) is not None


def test_making_primary_twice_is_told_once(acme: Tenant, held: Claim) -> None:
    for _ in range(2):
        make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert len(told(acme, "domain.made_primary")) == 1


# Releasing


def test_a_released_name_leads_nowhere_and_is_in_quarantine(acme: Tenant, held: Claim) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert directory.by_host(held.domain) is not None
    release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert directory.by_host(held.domain) is None
    assert primary_of(acme) == acme.host
    released = ReleasedName.objects.get(name=held.domain)
    assert released.last_tenant_id == acme.id
    assert timedelta(days=29) < released.until - timezone.now() <= timedelta(days=30)
    assert told(acme, "domain.released") == [{"domain": held.domain}]


def test_a_claim_that_was_never_proven_is_dropped_without_a_quarantine(acme: Tenant, claim: Claim) -> None:
    release_domain(tenant_id=acme.id, claim_id=claim.pk, actor=OWNER)
    assert not ReleasedName.objects.exists()
    assert not Claim.objects.exists()


def test_the_only_address_cannot_be_released(acme: Tenant, held: Claim) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    Domain.objects.filter(domain=acme.host).delete()
    with pytest.raises(NotReady, match="only address"):
        release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    assert primary_of(acme) == held.domain


@pytest.mark.parametrize("verb", [make_primary, step_down, release_domain])
def test_another_tenants_name_is_not_found(globex: Tenant, held: Claim, verb: Callable[..., object]) -> None:
    with pytest.raises(NotFound):
        verb(tenant_id=globex.id, claim_id=held.pk, actor=OWNER)
    with public_context(), pytest.raises(NotFound):
        request_check(tenant_id=globex.id, claim_id=held.pk)
    assert fresh(held).is_held


# The quarantine


def test_a_name_in_quarantine_goes_back_to_its_last_owner_alone(
    acme: Tenant, globex: Tenant, held: Claim, dns: NameServer
) -> None:
    release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    with pytest.raises(NameInQuarantine, match="kept back until"):
        claim_for(globex)
    again = claim_for(acme)
    assert not check(again).is_held, "the token of the first claim is good for that claim alone"


def test_a_quarantine_ends_by_itself(acme: Tenant, globex: Tenant) -> None:
    with public_context():
        released = release_name(name="old.example", tenant_id=acme.id, using="control")
        assert forget_released_names() == 0
        released.until = timezone.now()
        released.save()
        refuse_quarantined("old.example", globex.id, "control")
        assert forget_released_names() == 1


def test_letting_a_name_go_again_begins_the_time_anew(acme: Tenant, globex: Tenant) -> None:
    with public_context():
        first = release_name(name="old.example", tenant_id=acme.id, using="control")
        second = release_name(name="old.example", tenant_id=globex.id, using="control")
    assert first.pk == second.pk
    assert second.until > first.until
    assert ReleasedName.objects.get().last_tenant_id == globex.id


def test_nobody_in_particular_is_refused_as_well(acme: Tenant) -> None:
    with public_context():
        release_name(name="old.localhost", tenant_id=acme.id, using="control")
        with pytest.raises(NameInQuarantine):
            refuse_quarantined("old.localhost", None, "control")


def test_operators_can_free_a_name(acme: Tenant, globex: Tenant, held: Claim) -> None:
    release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    with public_context():
        assert free_name(released_id=ReleasedName.objects.get().pk, actor=OWNER) == held.domain
    assert claim_for(globex).is_waiting
    assert told_to_operators("name.freed") == [{"name": held.domain}]


# Asking for a check


def test_a_check_that_was_asked_for_is_due_at_once(acme: Tenant, held: Claim) -> None:
    assert held.next_check_at > timezone.now() + timedelta(hours=23)
    with public_context():
        asked = request_check(tenant_id=acme.id, claim_id=held.pk)
    assert asked.is_being_checked
    assert asked.next_check_at <= timezone.now()
    assert not check(held).is_being_checked


def test_checks_are_limited(acme: Tenant, claim: Claim) -> None:
    with public_context():
        for _ in range(services.CHECKS.most):
            request_check(tenant_id=acme.id, claim_id=claim.pk)
        with pytest.raises(TooManyRequests):
            request_check(tenant_id=acme.id, claim_id=claim.pk)
