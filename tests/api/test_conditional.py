"""If-Match: a change is made to the state that its caller has seen, or not at all."""

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connections

from tenant_apps.orders.viewsets import OrderViewSet
from tenant_apps.products.viewsets import CategoryViewSet, ProductViewSet
from tenants.context import unit_of_work
from tests.api.calls import BASE, NOWHERE, Api, problem, signed_in
from tests.api.described import described
from tests.orders.builders import a_draft
from tests.products.builders import a_product


def change(api: Api, path: str, body, tag: str, method: str = "patch"):
    call = getattr(api.client, method)
    return call(BASE + path, body, content_type="application/json", headers={"if-match": tag})


@pytest.fixture
def mug(owner_api):
    answer = owner_api.post("products/", {"sku": "MUG", "name": "Mug", "price": "9.50"})
    return f"products/{answer.json()['id']}/", answer["ETag"]


def test_a_change_of_the_state_that_was_seen_is_made_and_names_the_new_one(owner_api, mug):
    path, tag = mug
    first = change(owner_api, path, {"name": "Cup"}, tag)
    assert first.status_code == 200
    second = change(owner_api, path, {"name": "Bowl"}, f'"other", {first["ETag"]}')
    assert (second.status_code, second.json()["name"]) == (200, "Bowl")
    assert len({tag, first["ETag"], second["ETag"]}) == 3


@pytest.mark.parametrize("form", ["{}", "W/{}", '"1-0-0"', "", "MUG", '"', "x" * 5000])
def test_a_stale_or_strange_tag_is_412_and_changes_nothing(owner_api, mug, form):
    path, tag = mug
    owner_api.patch(path, {"name": "Cup"})
    problem(change(owner_api, path, {"name": "Bowl"}, form.format(tag)), 412, "precondition_failed")
    assert owner_api.get(path).json()["name"] == "Cup"


def test_actions_and_deletions_heed_it_too(owner_api, acme, mug):
    path, tag = mug
    owner_api.patch(path, {"name": "Cup"})
    problem(change(owner_api, path + "archive/", {}, tag, "post"), 412, "precondition_failed")
    category = owner_api.post("categories/", {"name": "Cups"})
    where = f"categories/{category.json()['id']}/"
    owner_api.patch(where, {"name": "Mugs"})
    problem(change(owner_api, where, None, category["ETag"], "delete"), 412, "precondition_failed")
    assert (
        change(
            owner_api, where, None, owner_api.patch(where, {"name": "Bowls"})["ETag"], "delete"
        ).status_code
        == 204
    )


def test_any_state_will_do_for_a_star_but_not_a_missing_record(owner_api, mug):
    assert change(owner_api, mug[0], {"name": "Cup"}, "*").status_code == 200
    problem(change(owner_api, f"products/{NOWHERE}/", {"name": "Cup"}, "*"), 404, "not_found")


def test_what_replaces_a_whole_list_insists_on_it(owner_api, acme):
    with unit_of_work(acme):
        mug = a_product()
        path = f"orders/{a_draft((mug, 1)).id}/"
    bodies = {
        f"{path}lines/": {"lines": [{"product": str(mug.id), "quantity": 2}]},
        f"products/{mug.id}/options/": {"options": [{"name": "Size", "values": ["S", "M"]}]},
    }
    for where, body in bodies.items():
        record = where.rpartition("/")[0].rpartition("/")[0] + "/"
        tag = owner_api.get(record)["ETag"]
        problem(owner_api.send("put", where, body), 428, "precondition_required")
        nowhere = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", NOWHERE, where)
        problem(owner_api.send("put", nowhere, body), 404, "not_found")
        problem(owner_api.put(where, body, if_match=f'"{NOWHERE}"'), 412, "precondition_failed")
        assert owner_api.get(record)["ETag"] == tag
        assert owner_api.put(where, body, if_match=tag).status_code == 200
    assert owner_api.patch(path, {"note": "x"}).status_code == 200


def test_every_put_of_the_api_declares_it_and_the_document_says_so():
    puts = [path["put"] for path in described()["paths"].values() if "put" in path]
    assert len(puts) >= 2
    for operation in puts:
        (header,) = [each for each in operation["parameters"] if each["name"] == "If-Match"]
        assert header["required"] is True, operation["operationId"]


def test_of_many_changes_at_once_of_one_state_one_is_made(owner, acme, mug):
    path, tag = mug
    barrier = Barrier(8)

    def send(number: int) -> int:
        try:
            caller = signed_in(owner, acme)
            barrier.wait()
            return int(change(caller, path, {"name": f"Mug {number}"}, tag).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [200] + [412] * 7


def test_every_write_names_the_state_that_reading_finds(owner_api, acme):
    with unit_of_work(acme):
        product = a_product(opening_stock=9)
        order = a_draft((product, 1))
    path = f"orders/{order.id}/"
    line = {"lines": [{"product": str(product.id), "quantity": 2}]}
    calls = [lambda: owner_api.patch(path, {"note": "x"}), lambda: owner_api.put(path + "lines/", line)]
    calls += [partial(owner_api.post, f"{path}{move}/") for move in ("place", "pay", "fulfil", "close")]
    for call in calls:
        assert call()["ETag"] == owner_api.get(path)["ETag"]


def test_answers_that_show_something_else_name_no_state(owner_api, mug):
    assert "ETag" not in owner_api.post(mug[0] + "receive/", {"quantity": 1})
    assert not ProductViewSet.shows_record("receive")
    assert OrderViewSet.shows_record("place")
    assert not CategoryViewSet.shows_record("destroy")
