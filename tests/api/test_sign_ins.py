"""Chains of refresh tokens: each good once, a thief is noticed, and a sign-in ends with all it has given out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.db import connections
from django.utils import timezone

from tenants.audit.models import AuditEntry
from tenants.context import Tenant, unit_of_work
from tenants.users.models import SignIn, User
from tests.api.calls import Api, problem
from tests.cast import PASSWORD
from tests.clock import Clock

CREDENTIALS = {"email": "owner@acme.example", "password": PASSWORD}
Pair = dict[str, Any]


@pytest.fixture
def pair(nobody: Api) -> Pair:
    return signed_in(nobody)


def signed_in(nobody: Api, agent: str = "till/1.0") -> Pair:
    answer = nobody.client.post(
        "/api/v1/auth/token/", CREDENTIALS, content_type="application/json", headers={"user-agent": agent}
    )
    assert answer.status_code == 200, answer.content
    issued: Pair = answer.json()
    return issued


def refresh(caller: Api, pair: Pair) -> Any:
    return caller.post("auth/refresh/", {"refresh": pair["refresh"]})


def refused(answer: Any) -> str:
    return str(problem(answer, 401, "refresh_refused")["detail"])


def is_in(tenant: Tenant, pair: Pair) -> bool:
    return bool(Api(tenant, pair["access"]).get("me/").status_code == 200)


def sign_in_of(tenant: Tenant, pair: Pair) -> SignIn:
    with unit_of_work(tenant):
        return SignIn.objects.get(pk=jwt.decode(pair["refresh"], options={"verify_signature": False})["sid"])


def test_a_chain_goes_on_with_each_new_token(nobody: Api, acme: Tenant, clock: Clock) -> None:
    pair = signed_in(nobody)
    for _ in range(3):
        clock.forward(days=13)
        pair = refresh(nobody, pair).json()
        assert is_in(acme, pair)
    assert sign_in_of(acme, pair).number == 4
    clock.forward(days=15)
    refused(refresh(nobody, pair))


def test_a_token_that_is_used_twice_ends_the_chain_and_its_access_tokens(
    nobody: Api, acme: Tenant, pair: Pair, clock: Clock
) -> None:
    other, fresh = signed_in(nobody), refresh(nobody, pair).json()
    clock.forward(seconds=11)
    said = refused(refresh(nobody, pair))
    assert said == refused(nobody.post("auth/refresh/", {"refresh": "x"})), "a thief learns nothing from it"
    assert not is_in(acme, pair)
    assert not is_in(acme, fresh)
    refused(refresh(nobody, fresh))
    assert is_in(acme, other)
    assert sign_in_of(acme, pair).ended_because == "reused"
    with unit_of_work(acme):
        entry = AuditEntry.objects.get(verb="sign_in.ended")
    assert (entry.data, entry.target_id) == ({"because": "reused"}, sign_in_of(acme, pair).pk)


def test_a_thief_cannot_keep_the_chain_by_an_idempotency_key(
    nobody: Api, acme: Tenant, pair: Pair, clock: Clock
) -> None:
    fresh = refresh(nobody, pair).json()
    clock.forward(seconds=11)
    for _ in range(2):
        again = nobody.client.post(
            "/api/v1/auth/refresh/",
            {"refresh": pair["refresh"]},
            content_type="application/json",
            headers={"idempotency-key": "thief-1"},
        )
        refused(again)
    assert not is_in(acme, fresh)


def test_whoever_lost_the_answer_gets_the_same_successor_for_a_moment(
    nobody: Api, acme: Tenant, pair: Pair, clock: Clock
) -> None:
    first = refresh(nobody, pair).json()
    clock.forward(seconds=5)
    again = refresh(nobody, pair).json()
    assert again["refresh"] == first["refresh"]
    refresh(nobody, first)
    refused(refresh(nobody, pair))
    assert not is_in(acme, again), "its successor was used as well: two have it"


def test_of_two_at_once_one_moves_the_chain_and_both_get_the_same(
    nobody: Api, acme: Tenant, pair: Pair
) -> None:
    def use(_: int) -> Any:
        try:
            return refresh(Api(acme), pair)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(use, range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh"] for answer in answers}) == 1
    assert sign_in_of(acme, pair).number == 2


def test_signing_out_ends_the_sign_in_at_once_and_may_be_done_twice(
    nobody: Api, acme: Tenant, pair: Pair
) -> None:
    other = signed_in(nobody)
    for _ in range(2):
        answer = nobody.post("auth/sign-out/", {"refresh": pair["refresh"]})
        assert (answer.status_code, answer.content) == (204, b"")
    assert nobody.post("auth/sign-out/", {"refresh": "x"}).status_code == 204
    assert not is_in(acme, pair)
    refused(refresh(nobody, pair))
    assert is_in(acme, other)


def test_a_person_sees_and_ends_their_own_sign_ins_and_nobody_else_s(
    nobody: Api, acme: Tenant, pair: Pair, api: Any
) -> None:
    caller = Api(acme, signed_in(nobody, agent="laptop")["access"])
    laptop, till = caller.get("sign-ins/").json()["data"]
    assert (till["kind"], till["client"], till["address"], till["ended_at"]) == (
        "api",
        "till/1.0",
        "127.0.0.1",
        None,
    )
    problem(api("admin").post(f"sign-ins/{till['id']}/end/"), 404, "not_found")
    assert caller.post(f"sign-ins/{till['id']}/end/").json()["ended_because"] == "revoked"
    assert not is_in(acme, pair)
    assert [row["id"] for row in caller.get("sign-ins/", open="true").json()["data"]] == [laptop["id"]]


def test_two_that_end_at_once_are_both_remembered(nobody: Api, acme: Tenant) -> None:
    pairs = [signed_in(nobody) for _ in range(4)]

    def end(pair: Pair) -> int:
        try:
            return int(Api(acme).post("auth/sign-out/", {"refresh": pair["refresh"]}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(end, pairs)) == {204}
    assert not any(is_in(acme, pair) for pair in pairs)


def test_nothing_that_is_stored_could_be_used_and_what_ended_is_remembered_for_minutes(
    nobody: Api, acme: Tenant, pair: Pair, owner: User, clock: Clock
) -> None:
    fresh = refresh(nobody, pair).json()
    row = sign_in_of(acme, pair)
    assert not [part for part in fresh["refresh"].split(".") if part in str(vars(row))]
    nobody.post("auth/sign-out/", {"refresh": fresh["refresh"]})
    clock.forward(minutes=11)
    other = signed_in(nobody)
    nobody.post("auth/sign-out/", {"refresh": other["refresh"]})
    last = sign_in_of(acme, other).pk
    with unit_of_work(acme):
        owner.refresh_from_db()
    assert owner.ended_sign_ins == [last]


def test_long_forgotten_sign_ins_go(nobody: Api, acme: Tenant, pair: Pair) -> None:
    with unit_of_work(acme):
        SignIn.objects.update(expires_at=timezone.now() - timedelta(days=31))
    other = signed_in(nobody)
    last = sign_in_of(acme, other).pk
    with unit_of_work(acme):
        assert SignIn.objects.get().pk == last
