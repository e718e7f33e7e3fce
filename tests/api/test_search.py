"""?search= of products: ranked, page by page, with filters, and by another order; and the search over everything."""

from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.api.calls import Api, errors, problem


def test_a_search_goes_on_page_by_page_with_the_best_first(owner_api):
    for number in range(5):
        owner_api.post("products/", {"sku": f"MUG-{number}", "name": "Mug", "price": f"{9 - number}.00"})
    owner_api.post("products/", {"sku": "BEST", "name": "Mug mug", "price": "1.00", "description": "A mug"})
    first = owner_api.get("products/", search="mugs", limit=4).json()
    rest = owner_api.client.get(first["next"]).json()
    seen = [product["sku"] for product in (*first["data"], *rest["data"])]
    assert (seen[0], len(set(seen)), rest["next"]) == ("BEST", 6, None)
    back = owner_api.client.get(rest["previous"]).json()
    assert [product["sku"] for product in back["data"]] == seen[:4]
    cheap = owner_api.get("products/", search="mug", ordering="price", price_min="5.00").json()["data"]
    assert [product["price"] for product in cheap] == ["5.00", "6.00", "7.00", "8.00", "9.00"]
    assert owner_api.get("products/", search="musg").status_code == 200


def test_relevance_is_no_order_to_ask_for(owner_api):
    problem(owner_api.get("products/", ordering="relevance"), 422, "validation_failed")


def test_everything_is_searched_at_once_as_far_as_a_credential_reads(acme, owner, actor, owner_api):
    made = owner_api.post("products/", {"sku": "ADA-1", "name": "Desk", "price": "9.00"}).json()
    owner_api.post("customers/", {"name": "Ada Lovelace"})
    data = owner_api.get("search/", search="ada").json()["data"]
    assert [(hit["kind"], hit["label"]) for hit in data] == [
        ("product", "Desk"),
        ("customer", "Ada Lovelace"),
    ]
    assert owner_api.client.get(data[0]["url"]).json()["id"] == data[0]["id"] == made["id"]
    with unit_of_work(acme):
        scopes = ["account:read", "customers:read"]
        _, secret = create_api_token(actor=actor, owner=owner, name="Shop", scopes=scopes)
    found = Api(acme, secret).get("search/", search="lovlace ada").json()["data"]
    assert [hit["label"] for hit in found] == ["Ada Lovelace"]
    assert errors(owner_api.get("search/")) == {"/search": "required"}


def test_a_file_holds_all_that_was_found(owner_api, monkeypatch):
    monkeypatch.setattr("tenants.searching.MOST_RANKED", 1)
    for number in range(3):
        owner_api.post("products/", {"sku": f"MUG-{number}", "name": "Mug", "price": "9.00"})
    file = owner_api.get("products/export/", search="mug").getvalue().decode()
    assert [f"MUG-{number}" in file for number in range(3)] == [True] * 3
