"""Checks over time: proof, back-off, names that dangle, step down and are dropped; and every way of a takeover."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connections, transaction
from django.utils import timezone

from shared_apps.clients.models import Domain, ReleasedName
from shared_apps.domains import checking
from shared_apps.domains.checking import check_claim, take_due_claims
from shared_apps.domains.models import Claim
from shared_apps.domains.resolving import Findings, look_up
from shared_apps.domains.services import make_primary, release_domain
from shared_apps.domains.telling import send_letter
from tenants.context import Tenant, public_context, tenant_context, unit_of_work
from tenants.hosts import directory
from tests.domains.conftest import OWNER, TARGET, check, claim_for, fresh, set_back
from tests.domains.nameserver import NameServer
from tests.domains.test_services import primary_of, told, told_to_operators

Prove = Callable[..., Claim]


def test_a_proven_name_leads_to_its_tenant(acme: Tenant, held: Claim) -> None:
    directory.forget()
    found = directory.by_host(held.domain)
    assert found is not None
    assert found.id == acme.id
    assert primary_of(acme) == acme.host
    assert told(acme, "domain.verified") == [{"domain": held.domain}]
    assert told_to_operators("domain.verified") == [{"domain": held.domain, "tenant": str(acme.id)}]


def test_proof_and_pointing_are_told_apart(claim: Claim, dns: NameServer) -> None:
    dns.put(claim.domain, "CNAME", f"{TARGET}.")
    checked = check(claim)
    assert checked.state == Claim.State.WAITING
    assert checked.is_pointing
    assert "There is no TXT record" in checked.problem


def test_a_claim_that_is_over_is_not_looked_at(claim: Claim, dns: NameServer) -> None:
    set_back(claim, expires_at=timedelta(0))
    with public_context():
        assert check_claim(claim_id=claim.pk) is None
    assert dns.asked == []


@pytest.mark.parametrize("alias", ["default", "control"])
def test_nobody_outside_is_asked_inside_a_transaction(acme: Tenant, claim: Claim, alias: str) -> None:
    inside = unit_of_work(acme) if alias == "default" else transaction.atomic(using=alias)
    with inside, pytest.raises(RuntimeError, match="outside any transaction"):
        check_claim(claim_id=claim.pk)


# When


def test_checks_grow_rarer_while_nothing_is_there(claim: Claim) -> None:
    pauses = []
    for _ in range(8):
        checked = check(claim)
        assert checked.checked_at is not None
        pauses.append(round((checked.next_check_at - checked.checked_at).total_seconds() / 60))
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_held_name_is_looked_at_daily_and_hourly_in_trouble(held: Claim, dns: NameServer) -> None:
    assert held.next_check_at > timezone.now() + timedelta(hours=23)
    dns.put(held.domain, "CNAME", "elsewhere.example.")
    assert check(held).next_check_at < timezone.now() + timedelta(hours=2)


def test_what_is_due_is_taken_once(claim: Claim, held: Claim, globex: Tenant) -> None:
    waiting = claim_for(globex, "other.example")
    expired = claim_for(globex, "expired.example")
    set_back(expired, expires_at=timedelta(0))
    assert take_due_claims() == [waiting.pk]
    assert take_due_claims() == []
    set_back(held, next_check_at=timedelta(0))
    assert take_due_claims() == [held.pk]


# Names that dangle


def dangle(held: Claim, dns: NameServer, *, days: float) -> Claim:
    """The proof is gone, and has been for days."""
    dns.put(held.challenge, "TXT")
    check(held)
    set_back(held, failing_since=timedelta(days=days))
    return check(held)


def test_a_name_whose_proof_is_gone_stays_and_is_flagged(acme: Tenant, held: Claim, dns: NameServer) -> None:
    dns.put(held.challenge, "TXT")
    checked = check(held)
    assert checked.state == Claim.State.DANGLING
    assert directory.by_host(held.domain) is not None
    assert told(acme, "domain.dangling")[0]["problem"].startswith("There is no TXT record")
    check(held)
    assert len(told(acme, "domain.dangling")) == 1


def test_so_is_one_that_has_left(held: Claim, dns: NameServer) -> None:
    dns.put(held.domain, "CNAME", "elsewhere.example.")
    assert check(held).state == Claim.State.DANGLING


def test_but_not_one_that_never_pointed_here(claim: Claim, prove: Prove) -> None:
    proven = prove(claim, pointing=False)
    assert check(proven).state == Claim.State.VERIFIED


def test_what_is_mended_is_well_again(acme: Tenant, held: Claim, dns: NameServer, prove: Prove) -> None:
    dangle(held, dns, days=13)
    mended = prove(held)
    assert mended.state == Claim.State.POINTING
    assert mended.failing_since is None
    assert told(acme, "domain.recovered")
    assert dangle(held, dns, days=13).is_held, "the time begins anew"


@pytest.mark.parametrize("trouble", ["failing", "silent"])
def test_servers_that_do_not_answer_flag_and_end_nothing(held: Claim, dns: NameServer, trouble: str) -> None:
    getattr(dns, trouble).update({held.challenge, held.domain})
    checked = check(held)
    assert checked.state == Claim.State.POINTING
    assert "gave no answer" in checked.problem
    set_back(held, failing_since=timedelta(days=99))
    assert check(held).is_held


def test_a_primary_name_steps_down_after_a_day(acme: Tenant, held: Claim, dns: NameServer) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    dns.put(held.challenge, "TXT")
    assert check(held).is_primary
    set_back(held, failing_since=timedelta(days=1))
    checked = check(held)
    assert checked.is_held
    assert not checked.is_primary
    assert primary_of(acme) == acme.host
    assert told(acme, "domain.stepped_down")


def test_after_two_weeks_a_name_is_dropped(acme: Tenant, held: Claim, dns: NameServer) -> None:
    assert dangle(held, dns, days=13.9).is_held
    dropped = dangle(held, dns, days=14)
    assert not dropped.is_held
    assert dropped.state == Claim.State.WAITING
    assert dropped.token != held.token
    assert directory.by_host(held.domain) is None
    assert ReleasedName.objects.get().last_tenant_id == acme.id
    assert told(acme, "domain.dropped")
    assert told_to_operators("domain.dropped")


def test_a_primary_name_that_is_dropped_leaves_the_platforms_address(
    acme: Tenant, held: Claim, dns: NameServer
) -> None:
    make_primary(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    dangle(held, dns, days=14)
    assert primary_of(acme) == acme.host


@pytest.mark.parametrize(("letter", "says"), [("dangling", "Mend the records"), ("dropped", "too long")])
def test_owners_get_a_letter(acme: Tenant, letter: str, says: str) -> None:
    with tenant_context(acme):
        assert send_letter(letter, "shop.acme.example", "There is <nothing>.") == 1
    (sent,) = mail.outbox
    assert sent.to == ["owner@acme.example"]
    assert "shop.acme.example" in sent.subject
    assert "There is <nothing>." in sent.body
    assert says in sent.body
    assert "http://acme.localhost:8000/settings/domains/" in sent.body


# Takeovers


def test_what_a_former_owner_left_in_the_dns_proves_nothing_for_the_next(
    acme: Tenant, globex: Tenant, held: Claim, dns: NameServer
) -> None:
    release_domain(tenant_id=acme.id, claim_id=held.pk, actor=OWNER)
    ReleasedName.objects.all().delete()
    theirs = claim_for(globex)
    checked = check(theirs)
    assert not checked.is_held
    assert held.proof in checked.problem
    assert not check(claim_for(acme)).is_held, "nor for the former owner, who starts anew"


def test_who_gets_an_expired_domain_points_it_here_in_vain(
    globex: Tenant, held: Claim, dns: NameServer
) -> None:
    dns.records.pop((held.challenge, "TXT"))
    dns.put(held.domain, "CNAME", f"{TARGET}.")
    assert check(held).state == Claim.State.DANGLING
    set_back(held, failing_since=timedelta(days=14))
    assert not check(held).is_held
    ReleasedName.objects.all().delete()
    theirs = claim_for(globex)
    assert not check(theirs).is_held


def test_of_two_who_prove_a_name_the_first_gets_it(
    acme: Tenant, globex: Tenant, claim: Claim, dns: NameServer
) -> None:
    theirs = claim_for(globex)
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"', f'"{theirs.proof}"')
    assert check(theirs).is_held
    late = check(claim)
    assert not late.is_held
    assert "another workspace has proven this name" in late.problem
    assert not told(acme, "domain.verified")


def test_of_two_at_the_same_moment_one_gets_it(
    acme: Tenant, globex: Tenant, claim: Claim, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = claim_for(globex)
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"', f'"{theirs.proof}"')
    together = Barrier(2)

    def look_up_together(claim: Claim) -> Findings:
        found = look_up(claim)
        together.wait(60)
        return found

    def worker(claim: Claim) -> None:
        try:
            check(claim)
        finally:
            connections.close_all()

    monkeypatch.setattr(checking, "look_up", look_up_together)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(worker, (claim, theirs)))
    assert sorted([fresh(claim).is_held, fresh(theirs).is_held]) == [False, True]
    assert Domain.objects.filter(domain=claim.domain).count() == 1


def test_a_name_below_somebodys_needs_a_proof_of_its_own(
    globex: Tenant, held: Claim, dns: NameServer
) -> None:
    below = claim_for(globex, f"eu.{held.domain}")
    dns.put(held.challenge, "TXT", f'"{held.proof}"', f'"{below.proof}"')
    assert not check(below).is_held
    dns.put(below.challenge, "TXT", f'"{below.proof}"')
    assert check(below).is_held


def test_a_wildcard_record_proves_the_claim_whose_token_it_holds_alone(
    acme: Tenant, globex: Tenant, dns: NameServer
) -> None:
    ours, theirs = claim_for(acme), claim_for(globex)
    dns.put(f"*.{ours.domain}", "TXT", f'"{ours.proof}"')
    assert not check(theirs).is_held
    assert check(ours).is_held


def test_a_proof_in_several_strings_is_one(claim: Claim, dns: NameServer) -> None:
    dns.put(claim.challenge, "TXT", f'"{claim.proof[:20]}" "{claim.proof[20:]}"')
    assert check(claim).is_held


def test_an_answer_for_an_earlier_claim_is_not_taken_for_the_present_one(
    acme: Tenant, claim: Claim, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"')

    def overtaken(old: Claim) -> Findings:
        found = look_up(old)
        Claim.objects.filter(pk=old.pk).update(token="another")
        return found

    monkeypatch.setattr(checking, "look_up", overtaken)
    with public_context():
        assert check_claim(claim_id=claim.pk) is None
    assert not fresh(claim).is_held


def test_a_claim_from_before_a_release_waits_for_the_quarantine(
    acme: Tenant, globex: Tenant, claim: Claim, prove: Prove, dns: NameServer
) -> None:
    theirs = claim_for(globex)
    prove(claim)
    release_domain(tenant_id=acme.id, claim_id=claim.pk, actor=OWNER)
    dns.put(theirs.challenge, "TXT", f'"{theirs.proof}"')
    checked = check(theirs)
    assert not checked.is_held
    assert "kept back until" in checked.problem
    assert not Domain.objects.filter(domain=claim.domain).exists()
    ReleasedName.objects.all().delete()
    assert check(theirs).is_held


def test_a_claim_that_was_released_while_it_was_looked_at_stays_released(
    acme: Tenant, claim: Claim, dns: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.put(claim.challenge, "TXT", f'"{claim.proof}"')

    def released(old: Claim) -> Findings:
        found = look_up(old)
        release_domain(tenant_id=acme.id, claim_id=old.pk, actor=OWNER)
        return found

    monkeypatch.setattr(checking, "look_up", released)
    with public_context():
        assert check_claim(claim_id=claim.pk) is None
    assert not Domain.objects.filter(domain=claim.domain).exists()
