"""Variants, prices, tags, categories as a tree and edits of many, over HTTP."""

import pytest

from tests.api.calls import problem

TEE = {
    "sku": "TEE",
    "name": "Tee",
    "price": "20.00",
    "tags": ["Summer", "summer"],
    "metadata": {"erp": "4711"},
}


@pytest.fixture
def tee(owner_api):
    made = owner_api.post("products/", TEE)
    assert made.status_code == 201, made.content
    return made.json()


@pytest.fixture
def sizes(owner_api, tee):
    options = [{"name": "Size", "values": ["S", "M"]}]
    answer = owner_api.put(f"products/{tee['id']}/options/", {"options": options})
    assert answer.json()["options"] == options, answer.content
    return tee


def skus(answer):
    return [product["sku"] for product in answer.json()["data"]]


def test_a_product_has_prices_tags_and_metadata(owner_api, tee):
    changes = {"compare_at_price": "25.00", "cost_price": "7.50", "metadata": {"erp": ""}}
    changed = owner_api.patch(f"products/{tee['id']}/", changes).json()
    assert {name: changed[name] for name in changes} == changes
    assert tee["tags"] == ["summer"]
    assert skus(owner_api.get("products/", tag="SUMMER")) == ["TEE"]
    assert skus(owner_api.get("products/", tag="winter")) == []


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"compare_at_price": "-1.00"}, "/compare_at_price"),
        ({"cost_price": 7}, "/cost_price"),
        ({"tags": "summer"}, "/tags"),
        ({"tags": ["x" * 41]}, "/tags/0"),
        ({"tags": [str(number) for number in range(21)]}, "/tags"),
        ({"metadata": {"a": 1}}, "/metadata/a"),
        ({"metadata": ["a"]}, "/metadata"),
        ({"metadata": {"k" * 41: "v"}}, "/metadata"),
        ({"metadata": {str(number): "" for number in range(51)}}, "/metadata"),
        ({"options": []}, "/options"),
        ({"parent": None}, "/parent"),
        ({"name": ""}, "/name"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_product_cannot_be_is_refused_by_name(owner_api, tee, wrong, pointer):
    answer = owner_api.patch(f"products/{tee['id']}/", wrong)
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_variants_are_made_listed_and_told_from_products(owner_api, sizes):
    path = f"products/{sizes['id']}/"
    small = owner_api.post(
        f"{path}variants/", {"sku": "TEE-S", "option_values": {"Size": "S"}, "price": "18.00"}
    )
    assert small.status_code == 201, small.content
    assert (small.json()["name"], small.json()["parent"]) == ("Tee – S", sizes["id"])
    made = owner_api.post(f"{path}variants/generate/").json()
    assert (made["made"], made["variants"][0]["sku"]) == (1, "TEE-M")
    assert skus(owner_api.get("products/")) == ["TEE"]
    assert sorted(skus(owner_api.get("products/", parent=sizes["id"]))) == ["TEE-M", "TEE-S"]
    assert skus(owner_api.get("products/", sku="tee-m")) == ["TEE-M"]
    assert len(skus(owner_api.get("products/", variants="with"))) == 3
    assert len(skus(owner_api.get("products/", variants="only"))) == 2
    twin = owner_api.post(f"{path}variants/", {"sku": "TEE-X", "option_values": {"Size": "S"}})
    problem(twin, 409, "variant_taken")
    problem(owner_api.put(f"{path}options/", {"options": []}), 409, "has_variants")


def test_a_parent_cannot_be_ordered_or_stocked(owner_api, sizes):
    lines = {"lines": [{"product": sizes["id"], "quantity": 1}]}
    refused = problem(owner_api.post("orders/", lines), 409, "product_not_for_sale")
    assert "sold as its variants" in refused["detail"]
    problem(owner_api.post(f"products/{sizes['id']}/receive/", {"quantity": 1}), 422, "not_stocked")


def test_a_product_is_archived_and_restored(owner_api, tee):
    assert owner_api.post(f"products/{tee['id']}/archive/").json()["status"] == "archived"
    assert owner_api.post(f"products/{tee['id']}/restore/").json()["status"] == "active"


def test_a_category_stands_for_all_below_it(owner_api, tee):
    clothes = owner_api.post("categories/", {"name": "Clothes"}).json()
    shirts = owner_api.post("categories/", {"name": "Shirts", "parent": clothes["id"]}).json()
    assert shirts["ancestors"] == [clothes["id"]]
    owner_api.patch(f"products/{tee['id']}/", {"category": shirts["id"]})
    assert skus(owner_api.get("products/", category=clothes["id"])) == ["TEE"]
    assert [each["id"] for each in owner_api.get("categories/", parent=clothes["id"]).json()["data"]] == [
        shirts["id"]
    ]
    circle = owner_api.patch(f"categories/{clothes['id']}/", {"parent": shirts["id"]})
    assert problem(circle, 422, "invalid")["errors"][0]["pointer"] == "/parent"
    problem(owner_api.delete(f"categories/{clothes['id']}/"), 409, "category_in_use")
    assert owner_api.patch(f"categories/{shirts['id']}/", {"parent": None}).json()["ancestors"] == []


def test_many_products_are_edited_and_put_back(owner_api, tee):
    edited = owner_api.post("products/edit/", {"products": [tee["id"]], "price_percent": "-12.50"}).json()
    assert edited["changed"] == 1
    assert owner_api.get(f"products/{tee['id']}/").json()["price"] == "17.50"
    assert owner_api.post("products/undo-edit/", {"undo": edited["undo"]}).json()["changed"] == 1
    assert owner_api.get(f"products/{tee['id']}/").json()["price"] == "20.00"
    problem(owner_api.post("products/undo-edit/", {"undo": "made-up"}), 404, "not_found")
    stranger = "0190b3c4-8d2e-7c41-9a53-2f1e6b7d8c90"
    problem(owner_api.post("products/edit/", {"products": [stranger], "status": "draft"}), 422, "invalid")
