"""Signing in: the same text for whatever is wrong, and limits by account and by address."""

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as NoCache

from tenants import throttling
from tenants.audit.models import AuditEntry
from tenants.context import unit_of_work
from tenants.users.models import User
from tests.api.calls import Api, problem
from tests.cast import PASSWORD

OWNER = "owner@acme.example"


def sign_in(api: Api, email: str = OWNER, password: str = PASSWORD, address: str = "192.0.2.1"):
    body = {"email": email, "password": password}
    return api.client.post("/api/v1/auth/token/", body, content_type="application/json", REMOTE_ADDR=address)


def test_unknown_people_and_wrong_passwords_get_one_answer(nobody, acme):
    with unit_of_work(acme):
        User.objects.filter(email="viewer@acme.example").update(is_active=False)
    wrong = problem(sign_in(nobody, password="wrong"), 401, "sign_in_refused")
    unknown = problem(sign_in(nobody, email="nobody@acme.example"), 401, "sign_in_refused")
    inactive = problem(sign_in(nobody, email="viewer@acme.example"), 401, "sign_in_refused")
    assert wrong["detail"] == unknown["detail"] == inactive["detail"]


def test_people_of_the_neighbour_and_operators_are_unknown_here(nobody):
    problem(sign_in(nobody, email="owner@globex.example"), 401, "sign_in_refused")
    problem(sign_in(nobody, email="operator@platform.example"), 401, "sign_in_refused")


def test_signing_in_is_audited(nobody, acme, owner):
    sign_in(nobody)
    with unit_of_work(acme):
        (entry,) = AuditEntry.objects.about(owner).filter(verb="user.signed_in")
    assert (entry.actor_id, entry.address) == (owner.id, "192.0.2.1")


@pytest.mark.parametrize("email", [OWNER, "nobody@acme.example"])
def test_an_account_is_locked_after_ten_failures_known_or_not(nobody, email):
    for number in range(10):
        problem(sign_in(nobody, email, "wrong", f"192.0.2.{number}"), 401, "sign_in_refused")
    answer = sign_in(nobody, email.upper(), PASSWORD, "192.0.2.99")
    body = problem(answer, 429, "rate_limited")
    assert (answer["Retry-After"], body["retry_after"]) == ("600", 600)
    assert sign_in(nobody, "admin@acme.example").status_code == 200


def test_the_same_address_elsewhere_is_another_account(nobody, globex):
    for number in range(10):
        sign_in(nobody, "admin@acme.example", "wrong", f"192.0.2.{number}")
    problem(sign_in(Api(globex), "admin@acme.example", "wrong"), 401, "sign_in_refused")


def test_success_forgets_the_failures_of_the_account(nobody):
    for _ in range(3):
        for _ in range(9):
            sign_in(nobody, password="wrong")
        assert sign_in(nobody).status_code == 200


def test_an_address_is_shut_out_on_the_whole_platform(nobody, globex, monkeypatch):
    monkeypatch.setattr(
        "tenants.users.sign_in.SIGN_IN_BY_ADDRESS", throttling.Limit("few", most=3, seconds=600)
    )
    for number in range(3):
        sign_in(nobody, f"guess{number}@acme.example", "wrong")
    problem(sign_in(nobody), 429, "rate_limited")
    problem(sign_in(Api(globex), "owner@globex.example"), 429, "rate_limited")
    assert sign_in(nobody, address="192.0.2.2").status_code == 200


def test_without_the_cache_people_still_sign_in(nobody, monkeypatch):
    def unreachable(*args, **kwargs):
        raise NoCache

    for name in ("get", "add", "incr", "delete"):
        monkeypatch.setattr(cache, name, unreachable)
    problem(sign_in(nobody, password="wrong"), 401, "sign_in_refused")
    assert sign_in(nobody).status_code == 200
