"""/api/v1/orders/"""

import pytest

from tests.api.calls import NOWHERE, errors, problem


@pytest.fixture
def mug(owner_api):
    product = {"sku": "MUG", "name": "Mug", "price": "9.50", "opening_stock": 10}
    return owner_api.post("products/", product).json()["id"]


@pytest.fixture
def draft(owner_api, mug):
    return owner_api.post("orders/", {"lines": [{"product": mug, "quantity": 2}]}).json()


def stock_of(api, product):
    row = api.get(f"stock/{product}/").json()
    return row["on_hand"], row["reserved"]


def test_a_draft_has_lines_and_a_total_but_no_number(owner_api, draft, mug):
    assert (draft["status"], draft["number"], draft["total"], draft["currency"]) == (
        "draft",
        None,
        "19.00",
        "GBP",
    )
    assert draft["source"] == "api"
    (line,) = draft["lines"]
    assert (line["product"], line["sku"], line["quantity"]) == (mug, "MUG", 2)
    assert (line["unit_price"], line["total"], line["position"]) == ("9.50", "19.00", 1)
    assert stock_of(owner_api, mug) == (10, 0)


def test_an_order_is_placed_at_once_or_not_at_all(owner_api, mug):
    answer = owner_api.post("orders/", {"lines": [{"product": mug, "quantity": 2}], "place": True})
    assert (answer.status_code, answer.json()["status"], answer.json()["number"]) == (201, "placed", 1)
    assert stock_of(owner_api, mug) == (10, 2)
    body = problem(
        owner_api.post("orders/", {"lines": [{"product": mug, "quantity": 99}], "place": True}),
        409,
        "out_of_stock",
    )
    assert body["shortages"] == [{"sku": "MUG", "wanted": 99, "available": 8}]
    assert len(owner_api.get("orders/").json()["data"]) == 1


def test_an_order_without_lines_is_written_down_but_not_placed(owner_api):
    assert owner_api.post("orders/", {}).json()["lines"] == []
    problem(owner_api.post("orders/", {"place": True}), 422, "empty_order")


def test_an_order_goes_from_draft_to_closed(owner_api, draft, mug):
    path = f"orders/{draft['id']}"
    seen = [owner_api.post(f"{path}/{move}/").json() for move in ("place", "pay", "fulfil", "close")]
    assert [order["status"] for order in seen] == ["placed", "paid", "fulfilled", "closed"]
    assert all(seen[-1][stamp] for stamp in ("placed_at", "paid_at", "fulfilled_at", "closed_at"))
    assert seen[-1]["lines"] == draft["lines"]
    assert stock_of(owner_api, mug) == (8, 0)


def test_a_cancelled_order_gives_its_stock_back(owner_api, draft, mug):
    owner_api.post(f"orders/{draft['id']}/place/")
    assert stock_of(owner_api, mug) == (10, 2)
    assert (
        owner_api.post(f"orders/{draft['id']}/cancel/", {"note": "Changed mind"}).json()["status"]
        == "cancelled"
    )
    assert stock_of(owner_api, mug) == (10, 0)


def test_a_move_out_of_order_is_a_conflict_that_says_what_is_possible(owner_api, draft):
    body = problem(owner_api.post(f"orders/{draft['id']}/pay/"), 409, "move_refused")
    assert body["possible"] == ["place", "cancel"]


def test_moves_take_no_input(owner_api, draft):
    assert errors(owner_api.post(f"orders/{draft['id']}/place/", {"force": True})) == {
        "/force": "unknown_field"
    }


def test_the_lines_of_a_draft_are_replaced_and_those_of_an_order_are_not(owner_api, draft, mug):
    lines = {"lines": [{"product": mug, "quantity": 1}, {"product": mug, "quantity": 4}]}
    replaced = owner_api.put(f"orders/{draft['id']}/lines/", lines).json()
    assert ([line["quantity"] for line in replaced["lines"]], replaced["total"]) == ([1, 4], "47.50")
    owner_api.post(f"orders/{draft['id']}/place/")
    problem(owner_api.put(f"orders/{draft['id']}/lines/", lines), 409, "move_refused")


def test_a_draft_changes_its_customer_and_note_and_an_order_does_not(owner_api, draft):
    buyer = owner_api.post("customers/", {"name": "Harbour Outfitters"}).json()["id"]
    changed = owner_api.patch(f"orders/{draft['id']}/", {"customer": buyer, "note": "by hand"})
    assert (changed.status_code, changed.json()["customer"], changed.json()["note"]) == (
        200,
        buyer,
        "by hand",
    )
    assert changed.json()["lines"] == draft["lines"]
    assert errors(owner_api.patch(f"orders/{draft['id']}/", {"total": "1.00"})) == {"/total": "unknown_field"}
    owner_api.post(f"orders/{draft['id']}/place/")
    problem(
        owner_api.patch(f"orders/{draft['id']}/", {"discount_kind": "percent", "discount_value": "5.00"}),
        409,
        "move_refused",
    )


def test_a_draft_is_thrown_away_and_an_order_is_not(owner_api, draft, mug):
    assert owner_api.delete(f"orders/{draft['id']}/").status_code == 204
    problem(owner_api.get(f"orders/{draft['id']}/"), 404, "not_found")
    placed = owner_api.post("orders/", {"lines": [{"product": mug, "quantity": 1}], "place": True}).json()
    problem(owner_api.delete(f"orders/{placed['id']}/"), 409, "move_refused")


def test_prices_and_totals_are_not_for_the_caller_to_say(owner_api, mug):
    body = {"lines": [{"product": mug, "quantity": 1, "unit_price": "0.01"}], "total": "0.01", "number": 7}
    assert errors(owner_api.post("orders/", body)) == {
        "/lines/0/unit_price": "unknown_field",
        "/total": "unknown_field",
        "/number": "unknown_field",
    }


def test_unknown_products_and_the_neighbours_get_one_answer(owner_api, stranger_api):
    product = {"sku": "X", "name": "X", "price": "1.00", "opening_stock": 1}
    theirs = stranger_api.post("products/", product).json()["id"]
    unknown = owner_api.post("orders/", {"lines": [{"product": NOWHERE, "quantity": 1}]})
    foreign = owner_api.post("orders/", {"lines": [{"product": theirs, "quantity": 1}]})
    expected = problem(unknown, 422, "unknown_product")["detail"]
    assert problem(foreign, 422, "unknown_product")["detail"].replace(theirs, NOWHERE) == expected


def test_the_customer_is_checked_like_any_reference(owner_api, mug):
    answer = owner_api.post("orders/", {"customer": NOWHERE, "lines": []})
    assert errors(answer) == {"/customer": "does_not_exist"}
    customer = owner_api.post("customers/", {"name": "Ada"}).json()["id"]
    order = owner_api.post(
        "orders/", {"customer": customer, "lines": [{"product": mug, "quantity": 1}]}
    ).json()
    assert order["customer"] == customer
    assert [row["id"] for row in owner_api.get("orders/", customer=customer).json()["data"]] == [order["id"]]


def test_an_external_reference_is_unique(owner_api):
    assert owner_api.post("orders/", {"external_reference": "A-1"}).status_code == 201
    problem(owner_api.post("orders/", {"external_reference": "A-1"}), 409, "reference_taken")


def test_the_list_shows_orders_without_lines_and_filters_them(owner_api, draft, mug):
    placed = owner_api.post("orders/", {"lines": [{"product": mug, "quantity": 1}], "place": True}).json()
    (row,) = owner_api.get("orders/", status="placed").json()["data"]
    assert (row["id"], "lines" in row) == (placed["id"], False)
    for query in ({"number": "1"}, {"placed_since": placed["placed_at"]}, {"total_max": "9.50"}):
        assert [row["id"] for row in owner_api.get("orders/", **query).json()["data"]] == [placed["id"]]
    assert owner_api.get("orders/", placed_before=placed["placed_at"]).json()["data"] == []
    assert len(owner_api.get("orders/", source="api", kind="sale").json()["data"]) == 2


def test_the_neighbours_order_is_not_found_by_any_door(owner_api, stranger_api):
    theirs = stranger_api.post("orders/", {}).json()["id"]
    for move in ("place", "pay", "fulfil", "close", "cancel"):
        problem(owner_api.post(f"orders/{theirs}/{move}/"), 404, "not_found")
    problem(owner_api.put(f"orders/{theirs}/lines/", {"lines": []}), 404, "not_found")
    problem(owner_api.delete(f"orders/{theirs}/"), 404, "not_found")
    assert stranger_api.get(f"orders/{theirs}/").json()["status"] == "draft"
