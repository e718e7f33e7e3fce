"""Idempotency keys: one effect and one answer for one key, whatever goes on at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from shared_apps.clients.tasks import tend_tenants
from tenant_apps.orders.models import Order
from tenant_apps.products import viewsets
from tenant_apps.products.models import Product
from tenant_apps.products.services import create_product
from tenants.api import idempotency
from tenants.api.idempotency import KEPT_FOR, sweep_idempotency_keys
from tenants.api.models import IdempotencyKey
from tenants.audit.models import AuditEntry
from tenants.context import current_tenant, public_context, tenant_context, unit_of_work
from tenants.tasks import TenantTask
from tenants.users.services import create_api_token
from tests.api.calls import BASE, Api, errors, problem, signed_in
from tests.products.builders import a_product

MUG = {"sku": "MUG", "name": "Mug", "price": "9.50"}
KEY = "0190b3c4-order-1"


def once(api: Api, path: str, body, key: str = KEY):
    return api.client.post(
        BASE + path, body, content_type="application/json", headers={"idempotency-key": key}
    )


def test_a_request_sent_again_is_answered_again_and_not_done_again(owner_api, acme):
    first, second = once(owner_api, "products/", MUG), once(owner_api, "products/", MUG)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    for name in ("Content-Type", "Location"):
        assert first[name] == second[name]
    assert first["X-Request-Id"] != second["X-Request-Id"]
    with unit_of_work(acme):
        assert Product.objects.count() == 1
        assert AuditEntry.objects.filter(verb="product.created").count() == 1


def test_bodies_are_compared_as_they_are_understood(owner_api):
    once(owner_api, "products/", MUG)
    reordered = '{"price": "9.50",   "name": "Mug", "sku": "MUG"}'
    assert once(owner_api, "products/", reordered)["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"), [("products/", MUG | {"name": "Cup"}), ("products/", {}), ("categories/", MUG)]
)
def test_a_key_belongs_to_one_request(owner_api, path, body):
    once(owner_api, "products/", MUG)
    problem(once(owner_api, path, body), 422, "idempotency_key_reused")


def test_an_action_is_done_once(owner_api, acme):
    with unit_of_work(acme):
        product = a_product()
    answers = [once(owner_api, f"products/{product.id}/receive/", {"quantity": 5}) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert owner_api.get(f"stock/{product.id}/").json()["on_hand"] == 5


def test_refusals_are_given_again_too(owner_api):
    owner_api.post("products/", MUG)
    first, second = once(owner_api, "products/", MUG), once(owner_api, "products/", MUG)
    assert problem(first, 409, "sku_taken") == problem(second, 409, "sku_taken")
    assert second["Idempotent-Replayed"] == "true"
    problem(once(owner_api, "products/", MUG | {"sku": "CUP"}), 422, "idempotency_key_reused")
    assert once(owner_api, "products/", MUG | {"sku": "CUP"}, "another-key").status_code == 201


def test_what_failed_on_our_side_may_be_sent_again(owner_api, acme, monkeypatch):
    def fails_after_the_write(**fields):
        create_product(**fields)
        raise RuntimeError

    owner_api.client.raise_request_exception = False
    monkeypatch.setattr(viewsets, "create_product", fails_after_the_write)
    assert once(owner_api, "products/", MUG).status_code == 500
    monkeypatch.undo()
    again = once(owner_api, "products/", MUG)
    assert again.status_code == 201
    assert "Idempotent-Replayed" not in again


def test_what_nobody_could_read_takes_no_key(owner_api):
    problem(once(owner_api, "products/", "{"), 400, "malformed_body")
    assert once(owner_api, "products/", MUG).status_code == 201


def test_keys_are_each_caller_s_and_each_tenant_s_own(api, acme, owner, actor, stranger_api):
    with unit_of_work(acme):
        _, secret = create_api_token(actor=actor, owner=owner, name="Shop", scopes=["products:write"])
    callers = [api("owner"), api("admin"), Api(acme, secret), stranger_api]
    answers = [once(caller, "products/", MUG | {"sku": f"M-{n}"}) for n, caller in enumerate(callers)]
    assert [answer.status_code for answer in answers] == [201] * 4


def test_a_lost_right_is_not_replayed(api, acme, owner, actor):
    with unit_of_work(acme):
        token, secret = create_api_token(actor=actor, owner=owner, name="Shop", scopes=["products:write"])
    once(Api(acme, secret), "products/", MUG)
    with unit_of_work(acme):
        type(token).objects.filter(pk=token.pk).update(scopes=["products:read"])
    problem(once(Api(acme, secret), "products/", MUG), 403, "forbidden")


def test_signing_in_twice_with_one_key_gives_one_pair_and_failures_keep_nothing(nobody, acme):
    credentials = {"email": "owner@acme.example", "password": "correct horse battery"}
    first, second = (once(nobody, "auth/token/", credentials) for _ in range(2))
    assert first.json() == second.json()
    problem(once(nobody, "auth/token/", credentials | {"password": "wrong"}), 401, "sign_in_refused")
    with unit_of_work(acme):
        assert IdempotencyKey.objects.count() == 1


def test_secrets_are_not_readable_in_what_is_kept(owner_api, acme):
    answer = once(owner_api, "api-tokens/", {"name": "Shop", "scopes": ["orders:read"]})
    secret = answer.json()["token"]
    with unit_of_work(acme):
        assert secret.encode() not in bytes(IdempotencyKey.objects.get().answer or b"")
    assert (
        once(owner_api, "api-tokens/", {"name": "Shop", "scopes": ["orders:read"]}).json()["token"] == secret
    )


def test_an_answer_that_cannot_be_read_any_more_is_no_second_effect(owner_api, acme):
    once(owner_api, "products/", MUG)
    with unit_of_work(acme):
        IdempotencyKey.objects.update(answer=b"x" * 40)
    problem(once(owner_api, "products/", MUG), 409, "answer_gone")


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "tab\there"])
def test_keys_are_visible_ascii(owner_api, key):
    body = problem(once(owner_api, "products/", MUG, key), 422, "validation_failed")
    assert (body["errors"][0]["pointer"], body["errors"][0]["in"]) == ("/Idempotency-Key", "header")


def test_uploads_are_compared_by_what_is_in_them(owner_api):
    def upload(text: bytes):
        file = SimpleUploadedFile("lines.csv", b"Invoice,StockCode\n" + text)
        headers = {"idempotency-key": KEY}
        return owner_api.client.post(BASE + "imports/", {"file": file, "start": "false"}, headers=headers)

    first, second = upload(b"1,A"), upload(b"1,A")
    assert first.status_code == 202, first.content
    assert first.json()["id"] == second.json()["id"]
    problem(upload(b"1,B"), 422, "idempotency_key_reused")


def test_keys_are_kept_for_a_day(owner_api, acme):
    once(owner_api, "products/", MUG)
    with tenant_context(acme):
        assert sweep_idempotency_keys() == 0
    with unit_of_work(acme):
        IdempotencyKey.objects.update(created_at=timezone.now() - KEPT_FOR - timedelta(seconds=1))
    problem(once(owner_api, "products/", MUG), 409, "sku_taken")
    with tenant_context(acme):
        later = timezone.now() + KEPT_FOR + timedelta(seconds=1)
        assert sweep_idempotency_keys(now=later) == 1


def test_the_schedule_sends_the_sweep_to_every_active_tenant(owner_api, acme, monkeypatch):
    once(owner_api, "products/", MUG)
    with unit_of_work(acme):
        IdempotencyKey.objects.update(created_at=timezone.now() - KEPT_FOR - timedelta(seconds=1))
    swept = []

    def run_here(task):
        swept.append(current_tenant())
        task.run()

    monkeypatch.setattr(TenantTask, "delay", run_here)
    with public_context():
        tend_tenants.run()
    assert len(swept) == 2
    with unit_of_work(acme):
        assert not IdempotencyKey.objects.exists()


def at_once(owner, acme, *, threads: int, times: int, path: str, body):
    """The answers to one request that is sent again and again by many at the same moment, with one key."""
    api, barrier = signed_in(owner, acme), Barrier(threads)

    def send(_: int):
        caller = Api(acme)
        caller.client.defaults |= api.client.defaults
        barrier.wait(60)
        try:
            return [once(caller, path, body) for _ in range(times)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return [answer for found in pool.map(send, range(threads)) for answer in found]


def test_one_key_a_hundred_at_once_is_one_row_and_one_effect(owner, acme):
    answers = at_once(owner, acme, threads=20, times=5, path="products/", body=MUG)
    made = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(busy) == 100
    assert len([answer for answer in made if "Idempotent-Replayed" not in answer]) == 1
    assert len({answer.content for answer in made}) == 1
    assert all(
        answer.json()["code"] == "request_in_progress" and answer["Retry-After"] == "1" for answer in busy
    )
    with unit_of_work(acme):
        assert Product.objects.count() == IdempotencyKey.objects.count() == 1
        assert AuditEntry.objects.filter(verb="product.created").count() == 1


@pytest.mark.parametrize("wall", ["held", "taken away"])
def test_without_the_key_each_of_them_would_have_an_effect(owner, acme, monkeypatch, wall):
    """The red control, at drafts, of which no other rule forbids a second one."""
    if wall == "taken away":
        monkeypatch.setattr(idempotency, "_key_of", lambda request: None)
    answers = at_once(owner, acme, threads=4, times=1, path="orders/", body={})
    assert {answer.status_code for answer in answers} <= {201, 409}
    with unit_of_work(acme):
        assert Order.objects.count() == (1 if wall == "held" else 4)


def test_a_second_request_is_told_to_come_back_while_the_first_runs(owner_api, owner, acme, monkeypatch):
    seen = []

    def meanwhile(**fields):
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(send_again).result())
        return create_product(**fields)

    def send_again():
        try:
            return once(signed_in(owner, acme), "products/", MUG)
        finally:
            connections.close_all()

    monkeypatch.setattr(viewsets, "create_product", meanwhile)
    assert once(owner_api, "products/", MUG).status_code == 201
    problem(seen[0], 409, "request_in_progress")
    assert seen[0]["Retry-After"] == "1"


def test_strangers_fields_still_count(owner_api):
    assert errors(once(owner_api, "products/", {"colour": 1}))["/colour"] == "unknown_field"
