"""/api/v1/stock/ and what moves it"""

import pytest

from tests.api.calls import NOWHERE, errors, problem


@pytest.fixture
def mug(owner_api):
    return owner_api.post("products/", {"sku": "MUG", "name": "Mug", "price": "9.50"}).json()["id"]


def test_received_goods_are_on_hand_and_in_the_ledger(owner_api, mug):
    answer = owner_api.post(f"products/{mug}/receive/", {"quantity": 5, "note": "Pallet 7"})
    movement = answer.json()
    assert answer.status_code == 201
    assert (movement["reason"], movement["on_hand_change"], movement["note"]) == ("receipt", 5, "Pallet 7")
    assert (movement["product"], movement["actor_label"]) == (mug, "owner@acme.example")
    stock = owner_api.get(f"stock/{mug}/").json()
    assert (stock["on_hand"], stock["reserved"], stock["available"], stock["is_low"]) == (5, 0, 5, False)
    assert owner_api.get(f"products/{mug}/movements/").json()["data"] == [movement]
    assert owner_api.get(f"products/{mug}/movements/{movement['id']}/").json() == movement


def test_the_books_are_corrected_to_a_count_or_by_a_difference(owner_api, mug):
    owner_api.post(f"products/{mug}/adjust/", {"counted": 7, "note": "Count"})
    movement = owner_api.post(f"products/{mug}/adjust/", {"delta": -2, "note": "Broken"}).json()
    assert (movement["reason"], movement["on_hand_change"]) == ("adjustment", -2)
    assert owner_api.get(f"stock/{mug}/").json()["on_hand"] == 5


def test_a_correction_needs_a_reason_and_one_number(owner_api, mug):
    assert errors(owner_api.post(f"products/{mug}/adjust/", {"counted": 1})) == {"/note": "required"}
    problem(owner_api.post(f"products/{mug}/adjust/", {"note": "?"}), 422, "invalid")


def test_stock_never_falls_below_nothing(owner_api, mug):
    problem(owner_api.post(f"products/{mug}/adjust/", {"delta": -1, "note": "Gone"}), 409, "stock_refused")


def test_services_carry_no_stock(owner_api):
    service = owner_api.post(
        "products/", {"sku": "S", "name": "Care", "price": "1.00", "kind": "service"}
    ).json()["id"]
    problem(owner_api.post(f"products/{service}/receive/", {"quantity": 1}), 422, "not_stocked")
    problem(owner_api.get(f"stock/{service}/"), 404, "not_found")


def test_the_ledger_is_filtered_and_has_no_doors_for_writing(owner_api, mug):
    owner_api.post(f"products/{mug}/receive/", {"quantity": 5})
    owner_api.post(f"products/{mug}/adjust/", {"delta": -1, "note": "Broken"})
    found = owner_api.get(f"products/{mug}/movements/", reason="receipt").json()["data"]
    assert [row["on_hand_change"] for row in found] == [5]
    problem(owner_api.post(f"products/{mug}/movements/", {}), 405, "method_not_allowed")
    problem(owner_api.get(f"products/{NOWHERE}/movements/"), 404, "not_found")


def test_all_goods_stand_in_the_list_of_stock(owner_api, mug):
    owner_api.patch(f"products/{mug}/", {"low_stock_at": 3})
    (row,) = owner_api.get("stock/").json()["data"]
    assert (row["sku"], row["on_hand"], row["is_low"]) == ("MUG", 0, True)
    assert owner_api.get("stock/", low="false").json()["data"] == []
    problem(owner_api.post("stock/", {}), 405, "method_not_allowed")


# Locations, transfers and counts


@pytest.fixture
def shop(owner_api):
    return owner_api.post("locations/", {"code": "shop", "name": "Shop"}).json()["id"]


@pytest.fixture
def main(owner_api):
    (row,) = owner_api.get("locations/", code="main").json()["data"]
    return row["id"]


def test_locations_are_added_changed_archived_and_restored(owner_api, shop, main):
    path = f"locations/{shop}/"
    assert owner_api.patch(path, {"name": "Corner", "is_default": True}).json()["is_default"] is True
    assert owner_api.get(f"locations/{main}/").json()["is_default"] is False
    assert owner_api.post(f"locations/{main}/archive/").json()["archived_at"]
    assert [row["id"] for row in owner_api.get("locations/", archived="true").json()["data"]] == [main]
    assert owner_api.post(f"locations/{main}/restore/").json()["archived_at"] is None
    problem(owner_api.post(path + "archive/"), 409, "location_in_use")
    assert errors(owner_api.patch(path, {"code": "NEW"})) == {"/code": "read_only"}
    problem(owner_api.post("locations/", {"code": "SHOP", "name": "X"}), 409, "location_code_taken")


def test_stock_is_shown_at_each_location_and_filtered_by_it(owner_api, mug, shop, main):
    owner_api.post(f"products/{mug}/receive/", {"quantity": 5})
    owner_api.post(f"products/{mug}/receive/", {"quantity": 2, "location": shop})
    owner_api.post(f"products/{mug}/adjust/", {"counted": 1, "note": "Broken", "location": shop})
    (row,) = owner_api.get("stock/", location=shop).json()["data"]
    assert row["on_hand"] == 6
    assert {level["location"]: level["available"] for level in row["levels"]} == {main: 5, shop: 1}
    found = owner_api.get("stock/movements/", location=shop, product=mug).json()["data"]
    assert [line["on_hand_change"] for line in found] == [-1, 2]


def test_a_transfer_is_written_sent_and_received_in_parts(owner_api, mug, shop, main):
    owner_api.post(f"products/{mug}/receive/", {"quantity": 5})
    body = {"location": main, "destination": shop, "lines": [{"product": mug, "quantity": 9}]}
    transfer = owner_api.post("stock/transfers/", body).json()
    path = f"stock/transfers/{transfer['id']}/"
    assert (transfer["number"], transfer["status"]) == ("MAIN-1", "draft")
    problem(owner_api.post(path + "send/"), 409, "stock_refused")
    owner_api.post(path + "lines/", {"lines": [{"product": mug, "quantity": 4}]})
    assert owner_api.post(path + "send/").json()["status"] == "sent"
    part = {"lines": [{"product": mug, "quantity": 3, "note": "One is missing"}]}
    assert owner_api.post(path + "receive/", part | {"complete": False}).json()["status"] == "sent"
    done = owner_api.post(path + "receive/", {"lines": [], "note": "Lost"}).json()
    assert (done["status"], done["lines"]) == (
        "received",
        [{"product": mug, "sku": "MUG", "quantity": 4, "received": 3, "note": "One is missing"}],
    )
    problem(owner_api.post(path + "cancel/"), 409, "document_refused")
    assert owner_api.post("stock/transfers/", body | {"lines": part["lines"]}).status_code == 201
    assert len(owner_api.get("stock/transfers/", location=shop, status="draft").json()["data"]) == 1
    bad = {"location": main, "destination": main, "lines": []}
    problem(owner_api.post("stock/transfers/", bad), 422, "invalid")


def test_a_count_is_opened_entered_and_applied(owner_api, mug, main):
    owner_api.post(f"products/{mug}/receive/", {"quantity": 5})
    count = owner_api.post("stock/counts/", {"location": main}).json()
    path = f"stock/counts/{count['id']}/"
    assert [line["counted"] for line in count["lines"]] == [None]
    (line,) = owner_api.post(path + "lines/", {"lines": [{"product": mug, "counted": 3}]}).json()["lines"]
    assert (line["expected"], line["counted"], line["difference"]) == (5, 3, -2)
    assert owner_api.post(path + "apply/").json()["status"] == "applied"
    assert owner_api.get(f"stock/{mug}/").json()["on_hand"] == 3
    problem(
        owner_api.post(path + "lines/", {"lines": [{"product": NOWHERE, "counted": 1}]}),
        409,
        "document_refused",
    )
