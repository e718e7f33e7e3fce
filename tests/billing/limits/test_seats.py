"""Seats: people and promises to people, to the last one."""

import pytest

from billing.entitlements import LimitReached
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.signing import sign
from tenants.users.models import User
from tenants.users.team import (
    PURPOSE,
    _state,
    accept_invitation,
    deactivate_person,
    invite_person,
    reactivate_person,
    revoke_invitation,
)
from tests.cast import PASSWORD
from tests.plans import allow
from tests.races import at_once, kinds


def invited(owner: User, actor: Actor, name: str) -> User:
    return invite_person(actor=actor, by=owner, email=f"{name}@acme.example", role="member")


def accepted(person: User) -> User:
    token = sign(PURPOSE, [str(person.pk), _state(person)])
    return accept_invitation(token=token, name="Ada", password=PASSWORD, address=None)


def test_an_invitation_takes_the_last_seat_and_who_accepts_has_it(
    owner: User, actor: Actor, inside: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, seats=6)  # four of the cast
    first, second = invited(owner, actor, "first"), invited(owner, actor, "second")
    with pytest.raises(LimitReached, match=r"allows 6 seats, and 6 are in use.*take an invitation back"):
        invited(owner, actor, "third")
    assert accepted(first).is_active
    revoke_invitation(actor=actor, by=owner, person=second)
    invited(owner, actor, "third")


def test_who_left_comes_back_when_there_is_a_seat(
    owner: User, actor: Actor, inside: Tenant, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, seats=4)
    member = User.objects.get(email="member@acme.example")
    deactivate_person(actor=actor, by=owner, person=member)
    third = invited(owner, actor, "third")
    with pytest.raises(LimitReached):
        reactivate_person(actor=actor, by=owner, person=member)
    revoke_invitation(actor=actor, by=owner, person=third)
    for _ in range(2):  # the second time there is nothing to do
        assert reactivate_person(actor=actor, by=owner, person=member).is_active


def test_a_smaller_plan_takes_nobodys_seat_and_gives_no_more(
    owner: User, actor: Actor, inside: Tenant, monkeypatch: pytest.MonkeyPatch
):
    people = [invited(owner, actor, name) for name in ("first", "second")]
    allow(monkeypatch, seats=5)
    assert accepted(people[0]).is_active
    with pytest.raises(LimitReached, match=r"allows 5 seats, and 5 are in use"):
        accepted(people[1])
    assert User.objects.filter(is_active=True, invited_at=None).count() == 5


def test_of_many_invitations_at_once_so_many_as_there_are_seats_are_sent(
    acme: Tenant, owner: User, actor: Actor, monkeypatch: pytest.MonkeyPatch
):
    allow(monkeypatch, seats=6)
    jobs = [lambda name=f"p{number}": invited(owner, actor, name) for number in range(6)]
    assert kinds(at_once(acme, jobs, together=True)) == {"User": 2, "LimitReached": 4}
    with unit_of_work(acme):
        assert User.objects.filter(is_active=True).count() == 6
