"""/api/v1/categories/"""

from tests.api.calls import errors, problem


def test_a_category_is_created_shown_renamed_and_deleted(owner_api):
    created = owner_api.post("categories/", {"name": "Hot drinks"})
    category = created.json()
    assert (created.status_code, category["slug"]) == (201, "hot-drinks")
    assert owner_api.get(f"categories/{category['id']}/").json() == category
    renamed = owner_api.patch(f"categories/{category['id']}/", {"name": "Drinks"}).json()
    assert (renamed["name"], renamed["slug"]) == ("Drinks", "hot-drinks")
    assert owner_api.delete(f"categories/{category['id']}/").status_code == 204
    problem(owner_api.get(f"categories/{category['id']}/"), 404, "not_found")


def test_names_that_differ_in_case_only_are_one_name(owner_api):
    owner_api.post("categories/", {"name": "Tea"})
    problem(owner_api.post("categories/", {"name": "TEA"}), 409, "category_taken")


def test_a_category_in_use_is_not_deleted(owner_api):
    category = owner_api.post("categories/", {"name": "Tea"}).json()["id"]
    owner_api.post("products/", {"sku": "T", "name": "T", "price": "1.00", "category": category})
    body = problem(owner_api.delete(f"categories/{category}/"), 409, "category_in_use")
    assert body["products"] == 1


def test_the_slug_is_not_for_the_caller_to_choose(owner_api):
    assert errors(owner_api.post("categories/", {"name": "Tea", "slug": "x"})) == {"/slug": "read_only"}


def test_the_list_is_ordered_by_name_and_found_by_slug(owner_api):
    for name in ("Tea", "Coffee"):
        owner_api.post("categories/", {"name": name})
    assert [row["name"] for row in owner_api.get("categories/").json()["data"]] == ["Coffee", "Tea"]
    assert [row["name"] for row in owner_api.get("categories/", slug="tea").json()["data"]] == ["Tea"]
