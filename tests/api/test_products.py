"""/api/v1/products/"""

import pytest

from tests.api.calls import NOWHERE, errors, problem

MUG = {"sku": "mug-1", "name": "Mug", "price": "9.50"}


@pytest.fixture
def mug(owner_api):
    return owner_api.post("products/", MUG).json()


def test_a_product_is_created_in_the_workspaces_currency(owner_api):
    answer = owner_api.post("products/", MUG | {"opening_stock": 3})
    product = answer.json()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/api/v1/products/{product['id']}/")
    assert (product["sku"], product["price"], product["currency"]) == ("MUG-1", "9.50", "GBP")
    assert (product["on_hand"], product["reserved"], product["available"]) == (3, 0, 3)
    assert product["created_at"].endswith("Z")


def test_a_product_is_shown_as_it_was_answered(owner_api, mug):
    assert owner_api.get(f"products/{mug['id']}/").json() == mug


def test_a_product_is_changed_in_what_is_given(owner_api, mug):
    answer = owner_api.patch(f"products/{mug['id']}/", {"price": "10.00", "low_stock_at": 2})
    assert answer.status_code == 200
    assert (answer.json()["price"], answer.json()["low_stock_at"]) == ("10.00", 2)
    assert answer.json()["name"] == "Mug"


def test_an_empty_change_changes_nothing(owner_api, mug):
    assert owner_api.patch(f"products/{mug['id']}/", {}).json() == mug


def test_a_second_product_with_the_sku_is_a_conflict_that_names_the_field(owner_api, mug):
    body = problem(owner_api.post("products/", MUG | {"sku": "Mug-1"}), 409, "sku_taken")
    assert body["errors"][0]["pointer"] == "/sku"


def test_kind_and_currency_are_for_life(owner_api, mug):
    answer = owner_api.patch(f"products/{mug['id']}/", {"kind": "service", "currency": "EUR"})
    assert errors(answer) == {"/kind": "read_only", "/currency": "read_only"}


def test_a_category_is_named_by_its_id(owner_api, mug):
    category = owner_api.post("categories/", {"name": "Crockery"}).json()
    answer = owner_api.patch(f"products/{mug['id']}/", {"category": category["id"]})
    assert answer.json()["category"] == category["id"]
    assert owner_api.patch(f"products/{mug['id']}/", {"category": None}).json()["category"] is None


def test_an_unknown_category_and_the_neighbours_get_one_answer(owner_api, stranger_api, mug):
    theirs = stranger_api.post("categories/", {"name": "Theirs"}).json()["id"]
    unknown = owner_api.patch(f"products/{mug['id']}/", {"category": NOWHERE})
    foreign = owner_api.patch(f"products/{mug['id']}/", {"category": theirs})
    assert errors(unknown) == {"/category": "does_not_exist"}
    assert foreign.json()["errors"] == unknown.json()["errors"]


def test_a_product_is_archived_and_never_deleted(owner_api, mug):
    assert owner_api.post(f"products/{mug['id']}/archive/").json()["status"] == "archived"
    problem(owner_api.delete(f"products/{mug['id']}/"), 405, "method_not_allowed")


def test_the_neighbours_product_is_not_found(owner_api, stranger_api):
    theirs = stranger_api.post("products/", MUG).json()["id"]
    missing = owner_api.get(f"products/{NOWHERE}/").json()
    foreign = problem(owner_api.get(f"products/{theirs}/"), 404, "not_found")
    assert foreign["detail"] == missing["detail"]
    for answer in (
        owner_api.patch(f"products/{theirs}/", {"name": "Mine"}),
        owner_api.post(f"products/{theirs}/archive/"),
        owner_api.post(f"products/{theirs}/receive/", {"quantity": 1}),
    ):
        problem(answer, 404, "not_found")
    assert stranger_api.get(f"products/{theirs}/").json()["name"] == "Mug"


def test_the_list_is_narrowed_by_declared_filters(owner_api, mug):
    owner_api.post("products/", {"sku": "TEA", "name": "Tea", "price": "3.00", "kind": "service"})
    assert [row["sku"] for row in owner_api.get("products/", kind="service").json()["data"]] == ["TEA"]
    assert [row["sku"] for row in owner_api.get("products/", sku="mug-1").json()["data"]] == ["MUG-1"]
    assert [row["sku"] for row in owner_api.get("products/", price_max="5").json()["data"]] == ["TEA"]
    assert [row["sku"] for row in owner_api.get("products/", price_min="5").json()["data"]] == ["MUG-1"]
    assert [row["sku"] for row in owner_api.get("products/", search="tea").json()["data"]] == ["TEA"]
    assert owner_api.get("products/", status="archived").json()["data"] == []
    assert owner_api.get("products/", category=NOWHERE).json()["data"] == []


def test_the_list_tells_what_is_low(owner_api, mug):
    owner_api.patch(f"products/{mug['id']}/", {"low_stock_at": 1})
    owner_api.post("products/", MUG | {"sku": "PLENTY", "opening_stock": 9, "low_stock_at": 1})
    assert [row["sku"] for row in owner_api.get("products/", low="true").json()["data"]] == ["MUG-1"]
    assert [row["sku"] for row in owner_api.get("products/", low="false").json()["data"]] == ["PLENTY"]


def test_the_list_follows_changes_since_a_time(owner_api, mug):
    assert owner_api.get("products/", updated_since=mug["updated_at"]).json()["data"] == [mug]
    assert owner_api.get("products/", updated_since="2999-01-01T00:00:00Z").json()["data"] == []


def test_viewers_read_and_do_not_write(api, mug):
    viewer = api("viewer")
    assert viewer.get(f"products/{mug['id']}/").status_code == 200
    body = problem(viewer.patch(f"products/{mug['id']}/", {"name": "X"}), 403, "forbidden")
    assert "products:write" in body["detail"]
