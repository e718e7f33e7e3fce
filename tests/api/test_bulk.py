"""Bulk requests: all or none, or each by itself; the longest by a job."""

from collections import Counter
from typing import Any

import pytest

from tenant_apps.products.models import Product
from tenants.api import bulk
from tenants.api.jobs import run_job
from tenants.api.models import Job
from tenants.audit.models import AuditEntry
from tenants.context import tenant_context, unit_of_work
from tests.api.calls import NOWHERE, errors, problem
from tests.products.builders import a_location, a_product


def mugs(count: int, **more):
    return [{"sku": f"MUG-{n}", "name": f"Mug {n}", "price": "9.50", **more} for n in range(count)]


def send(api, items, mode="atomic", path="products/bulk/"):
    return api.post(path, {"mode": mode, "items": items})


def skus(acme):
    with unit_of_work(acme):
        return sorted(Product.objects.values_list("sku", flat=True))


WRONG = [
    {"sku": "MUG-0", "price": "10.00"},
    {"sku": "NEW"},
    {"sku": "X", "name": "X", "price": "1e3", "colour": "red"},
    {"id": NOWHERE, "name": "Nobody"},
    {"sku": "Y", "name": "Y", "price": "1.00"},
]
MISTAKES = {
    "/items/1/name": "required",
    "/items/1/price": "required",
    "/items/2/price": "invalid",
    "/items/2/colour": "unknown_field",
    "/items/3/id": "does_not_exist",
}


def test_items_are_created_or_found_by_id_or_sku_and_changed(owner_api, acme):
    answer = send(owner_api, mugs(3, opening_stock=2))
    assert answer.status_code == 200, answer.content
    assert (answer.json()["succeeded"], [each["status"] for each in answer.json()["items"]]) == (3, [201] * 3)
    first = answer.json()["items"][0]["id"]
    again = send(owner_api, [{"id": first, "sku": "CUP"}, {"sku": "mug-1", "name": "Bowl", "kind": "goods"}])
    assert [each["status"] for each in again.json()["items"]] == [200, 200], again.content
    assert skus(acme) == ["CUP", "MUG-1", "MUG-2"]
    assert owner_api.get(f"products/{first}/").json()["on_hand"] == 2


def test_atomic_means_all_or_none_and_every_mistake_is_named(owner_api, acme):
    send(owner_api, mugs(1))
    body = problem(send(owner_api, WRONG), 422, "bulk_refused")
    assert {error["pointer"]: error["code"] for error in body["errors"]} == MISTAKES
    assert skus(acme) == ["MUG-0"]
    assert owner_api.get("products/").json()["data"][0]["price"] == "9.50"
    with unit_of_work(acme):
        assert AuditEntry.objects.filter(verb__startswith="product").count() == 1


def test_each_saves_what_is_right_and_says_what_is_wrong(owner_api, acme):
    send(owner_api, mugs(1))
    body = send(owner_api, WRONG, "each").json()
    assert (body["succeeded"], body["failed"]) == (2, 3)
    assert [each["status"] for each in body["items"]] == [200, 422, 422, 422, 201]
    told = [error for each in body["items"] if each["problem"] for error in each["problem"]["errors"]]
    assert {error["pointer"]: error["code"] for error in told} == MISTAKES
    assert skus(acme) == ["MUG-0", "Y"]


def test_a_refusal_of_the_business_is_an_item_s_own(owner_api, acme):
    with unit_of_work(acme):
        one, _ = a_product(sku="ONE"), a_product(sku="TWO")
    body = send(owner_api, [{"id": str(one.id), "sku": "two"}, *mugs(1)], "each").json()
    assert [each["status"] for each in body["items"]] == [409, 201]
    assert body["items"][0]["problem"]["code"] == "sku_taken"
    assert body["items"][0]["problem"]["errors"][0]["pointer"] == "/items/0/sku"
    taken = problem(send(owner_api, [{"id": str(one.id), "kind": "service"}]), 422, "bulk_refused")
    assert taken["errors"][0]["code"] == "read_only"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, {"/mode": "required", "/items": "required"}),
        ({"mode": "some", "items": []}, {"/mode": "invalid_choice", "/items": "min_length"}),
        ({"mode": "each", "items": {}}, {"/items": "not_a_list"}),
        ({"mode": "each", "items": [{}, 1, []]}, {"/items/1": "not_an_object", "/items/2": "not_an_object"}),
        ({"mode": "each", "items": [{}] * 10_001}, {"/items": "max_length"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_envelope_is_strict(owner_api, body, found):
    assert errors(owner_api.post("products/bulk/", body)) == found


def test_stock_is_set_to_what_was_counted_or_changed_by_a_difference(owner_api, acme):
    with unit_of_work(acme):
        mug, cup, shop = a_product(sku="MUG", opening_stock=5), a_product(sku="CUP"), a_location()
    changes = [
        {"sku": "mug", "counted": 3},
        {"product": str(cup.id), "counted": 8},
        {"sku": "MUG", "delta": 4, "location": str(shop.id), "note": "Found"},
    ]
    items = [{"note": "Count", **change} for change in changes]
    body = send(owner_api, items, path="stock/bulk/").json()
    assert body["succeeded"] == 3, body
    assert [owner_api.get(f"stock/{each.id}/").json()["on_hand"] for each in (mug, cup)] == [7, 8]
    lines = owner_api.get("stock/movements/", limit=3).json()["data"]
    assert {line["id"] for line in lines} == {each["id"] for each in body["items"]}
    assert {line["note"] for line in lines} == {"Count", "Found"}
    with unit_of_work(acme):
        adjusted = AuditEntry.objects.filter(verb="stock.adjusted").values_list("target_id", flat=True)
        assert Counter(adjusted) == {mug.id: 2, cup.id: 1}


STOCK_MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"counted": 1}, "/product", "ambiguous"),
    ({"sku": "NONE", "counted": 1}, "/sku", "does_not_exist"),
    ({"product": NOWHERE, "counted": 1}, "/product", "does_not_exist"),
    ({"sku": "MUG", "counted": 1, "location": NOWHERE}, "/location", "does_not_exist"),
    ({"sku": "MUG", "counted": -1}, "/counted", "min_value"),
    ({"sku": "MUG"}, "/counted", "invalid"),
    ({"sku": "MUG", "counted": 1, "delta": 1}, "/counted", "invalid"),
    ({"sku": "MUG", "delta": 0}, "/delta", "invalid"),
    ({"sku": "MUG", "delta": -6}, "/delta", "stock_refused"),
    ({"sku": "MUG", "counted": 1, "note": " "}, "/note", "blank"),
]


def test_every_mistake_in_a_list_of_stock_is_named_and_the_others_are_set_where_that_is_asked_for(
    owner_api, acme
):
    with unit_of_work(acme):
        mug = a_product(sku="MUG", opening_stock=5)
    items: list[dict[str, Any]] = [{"note": "x", **item} for item, _, _ in STOCK_MISTAKES]
    items += [{"sku": "mug", "counted": 6, "note": "x"}, {"sku": "MUG", "counted": 7, "note": "x"}]
    found = [(f"/items/{place}{pointer}", code) for place, (_, pointer, code) in enumerate(STOCK_MISTAKES)]
    found.append((f"/items/{len(found) + 1}/sku", "ambiguous"))
    refused = problem(send(owner_api, items, path="stock/bulk/"), 422, "bulk_refused")
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == found
    assert owner_api.get(f"stock/{mug.id}/").json()["on_hand"] == 5
    body = send(owner_api, items, "each", "stock/bulk/").json()
    assert (body["succeeded"], body["failed"]) == (1, len(found))
    assert owner_api.get(f"stock/{mug.id}/").json()["on_hand"] == 6


# Jobs


@pytest.fixture
def few(monkeypatch):
    """More than four items are too many for a request; a job takes three in a step."""
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(bulk, "STEP", 3)


def finished(api, acme, answer):
    assert answer.status_code == 202, answer.content
    with tenant_context(acme):
        run_job(answer.json()["id"])
    return api.client.get(answer["Location"]).json()


@pytest.mark.usefixtures("few")
def test_more_than_a_request_can_do_is_done_by_a_job(owner_api, acme):
    items = mugs(8)
    items[5] = {"sku": "WRONG"}
    answer = send(owner_api, items, "each")
    assert answer.json()["status"] == "queued"
    assert answer.json()["progress"] == {"done": 0, "total": 8, "percent": 0}
    job = finished(owner_api, acme, answer)
    assert (job["status"], job["progress"]["percent"]) == ("succeeded", 100)
    assert (job["result"]["succeeded"], job["result"]["failed"]) == (7, 1)
    assert job["result"]["items"][5]["problem"]["errors"][0]["pointer"] == "/items/5/name"
    assert len(skus(acme)) == 7
    listed = owner_api.get("jobs/", status="succeeded").json()["data"]
    assert [each["id"] for each in listed] == [job["id"]]
    assert "result" not in listed[0]


@pytest.mark.usefixtures("few")
def test_a_job_that_is_refused_fails_with_the_problem(owner_api, acme):
    job = finished(owner_api, acme, send(owner_api, [*mugs(7), {"sku": "WRONG"}]))
    assert (job["status"], job["problem"]["code"]) == ("failed", "bulk_refused")
    assert job["problem"]["errors"][0]["pointer"] == "/items/7/name"
    assert skus(acme) == []


@pytest.mark.usefixtures("few")
def test_what_came_of_it_takes_the_right_to_start_it(api, acme, stranger_api):
    job = finished(api("owner"), acme, send(api("owner"), mugs(8), "each"))
    seen = api("viewer").get(f"jobs/{job['id']}/").json()
    assert (seen["status"], seen["result"], seen["links"]) == ("succeeded", None, {})
    problem(stranger_api.get(f"jobs/{job['id']}/"), 404, "not_found")
    assert stranger_api.get("jobs/").json()["data"] == []
    problem(api("viewer").post("products/bulk/", {}), 403, "forbidden")


@pytest.mark.usefixtures("few")
def test_one_key_starts_one_job(owner_api, acme):
    body = {"mode": "each", "items": mugs(8)}
    headers = {"idempotency-key": "one"}
    call = owner_api.client.post
    answers = [
        call("/api/v1/products/bulk/", body, content_type="application/json", headers=headers) for _ in "ab"
    ]
    assert answers[0]["Location"] == answers[1]["Location"]
    with unit_of_work(acme):
        assert Job.objects.count() == 1


def test_a_request_does_up_to_five_hundred_items_itself():
    assert (bulk.MOST_AT_ONCE, bulk.MOST_BY_JOB) == (500, 10_000)
