"""/api/v1/customers/"""

from tests.api.calls import errors, problem


def test_a_customer_is_created_shown_and_changed(owner_api):
    created = owner_api.post("customers/", {"name": "Ada", "reference": "C-1", "email": "ada@example.com"})
    customer = created.json()
    assert (created.status_code, customer["reference"], customer["country"]) == (201, "C-1", "")
    changed = owner_api.patch(f"customers/{customer['id']}/", {"country": "UK", "note": "Two\nlines"}).json()
    assert (changed["name"], changed["country"], changed["note"]) == ("Ada", "UK", "Two\nlines")
    assert owner_api.get(f"customers/{customer['id']}/").json() == changed


def test_a_reference_is_unique_and_may_be_missing_often(owner_api):
    owner_api.post("customers/", {"name": "Ada", "reference": "C-1"})
    problem(owner_api.post("customers/", {"name": "Bob", "reference": "C-1"}), 409, "reference_taken")
    assert owner_api.post("customers/", {"name": "Bob"}).status_code == 201
    assert owner_api.post("customers/", {"name": "Cleo", "reference": None}).status_code == 201


def test_an_email_has_to_be_one(owner_api):
    assert errors(owner_api.post("customers/", {"name": "Ada", "email": "nobody"})) == {"/email": "invalid"}


def test_the_list_is_searched_and_filtered(owner_api):
    owner_api.post("customers/", {"name": "Ada Lovelace", "email": "ada@example.com", "country": "UK"})
    owner_api.post("customers/", {"name": "Bob", "reference": "C-2"})
    for query in ({"search": "love ada"}, {"email": "ADA@example.com"}, {"country": "UK"}):
        assert [row["name"] for row in owner_api.get("customers/", **query).json()["data"]] == [
            "Ada Lovelace"
        ]
    assert [row["name"] for row in owner_api.get("customers/", reference="C-2").json()["data"]] == ["Bob"]


def test_customers_are_not_deleted_by_this_door(owner_api):
    customer = owner_api.post("customers/", {"name": "Ada"}).json()["id"]
    problem(owner_api.delete(f"customers/{customer}/"), 405, "method_not_allowed")
