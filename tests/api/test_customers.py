"""/api/v1/customers/"""

from tenant_apps.orders.customers.services import create_customer
from tenants.context import unit_of_work
from tests.api.calls import errors, problem
from tests.orders.builders import a_placed_order
from tests.products.builders import CLERK


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


def test_addresses_are_added_changed_and_removed(owner_api):
    customer = owner_api.post("customers/", {"name": "Ada"}).json()["id"]
    path = f"customers/{customer}/addresses/"
    turin = owner_api.post(path, {"line1": "Via Po 1", "city": "Torino", "country": "it"}).json()
    assert (turin["country"], turin["kind"], turin["is_default"]) == ("IT", "both", True)
    problem(owner_api.post(path, {"line1": "x", "city": "y", "country": "XX"}), 422, "invalid")
    oxford = {"line1": "1 High St", "city": "Oxford", "country": "GB", "kind": "billing", "is_default": True}
    owner_api.post(path, oxford)
    assert [(row["city"], row["is_default"]) for row in owner_api.get(path).json()["data"]] == [
        ("Torino", False),
        ("Oxford", True),
    ]
    changed = owner_api.patch(f"{path}{turin['id']}/", {"kind": "shipping", "is_default": True}).json()
    assert changed["is_default"] is True
    assert owner_api.delete(f"{path}{turin['id']}/").status_code == 204
    other = owner_api.post("customers/", {"name": "Bob"}).json()["id"]
    problem(owner_api.get(f"customers/{other}/addresses/{turin['id']}/"), 404, "not_found")


def test_notes_are_added_and_removed_and_never_edited(owner_api, owner):
    customer = owner_api.post("customers/", {"name": "Ada"}).json()["id"]
    path = f"customers/{customer}/notes/"
    note = owner_api.post(path, {"text": "Rang"}).json()
    assert (note["text"], note["author"]) == ("Rang", owner.email)
    problem(owner_api.patch(f"{path}{note['id']}/", {"text": "Wrote"}), 405, "method_not_allowed")
    assert owner_api.delete(f"{path}{note['id']}/").status_code == 204
    assert owner_api.get(path).json()["data"] == []


def test_customers_are_found_by_tag(owner_api):
    owner_api.post("customers/", {"name": "Ada", "tags": ["VIP", "trade"]})
    owner_api.post("customers/", {"name": "Bob", "tags": ["trade"]})
    assert [row["name"] for row in owner_api.get("customers/", tag="Vip").json()["data"]] == ["Ada"]
    problem(owner_api.post("customers/", {"name": "Cleo", "tags": "vip"}), 422, "validation_failed")


def test_a_merged_customer_is_gone_and_the_answer_names_the_survivor(owner_api):
    survivor, twin = (owner_api.post("customers/", {"name": name}).json()["id"] for name in ("Ada", "A. L."))
    assert owner_api.post(f"customers/{survivor}/merge/", {"duplicate": twin}).json()["id"] == survivor
    for answer in (
        owner_api.get(f"customers/{twin}/"),
        owner_api.patch(f"customers/{twin}/", {"name": "B"}),
        owner_api.get(f"customers/{twin}/notes/"),
        owner_api.post(f"customers/{survivor}/merge/", {"duplicate": twin}),
    ):
        assert problem(answer, 410, "customer_merged")["merged_into"] == survivor
    assert [row["id"] for row in owner_api.get("customers/").json()["data"]] == [survivor]


def test_an_erased_customer_is_a_name_without_a_person(owner_api):
    customer = owner_api.post("customers/", {"name": "Ada", "email": "ada@example.com"}).json()["id"]
    problem(owner_api.post(f"customers/{customer}/erase/", {"name": "Bob"}), 422, "name_mismatch")
    erased = owner_api.post(f"customers/{customer}/erase/", {"name": "Ada"}).json()
    assert (erased["customer"]["name"], erased["customer"]["email"]) == ("Erased customer", "")
    assert erased["kept"]["orders"] == 0
    problem(owner_api.patch(f"customers/{customer}/", {"name": "Ada"}), 409, "customer_erased")
    assert owner_api.get("customers/", search="ada").json()["data"] == []
    assert len(owner_api.get("customers/", erased="true").json()["data"]) == 1
    assert owner_api.get("customers/", erased="false").json()["data"] == []


def test_a_customers_value_is_told_by_currency(owner_api, acme):
    with unit_of_work(acme):
        order = a_placed_order(customer=create_customer(actor=CLERK, name="Ada"))
    (value,) = owner_api.get(f"customers/{order.customer_id}/value/").json()["by_currency"]
    assert (value["currency"], value["orders"], value["total"]) == ("GBP", 1, "19.00")
