"""?search= of products: ranked, page by page, with filters, and by another order where one is asked for."""

from tests.api.calls import problem


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
