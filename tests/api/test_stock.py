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
