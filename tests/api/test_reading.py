"""What every read can do: entity tags and 304, `fields`, `expand`."""

import pytest

from tenants.context import unit_of_work
from tenants.users.services import create_api_token
from tests.api.calls import Api, errors, problem
from tests.orders.builders import a_placed_order
from tests.products.builders import a_product

LISTS = ("products/", "categories/", "orders/", "customers/", "stock/", "api-tokens/")


@pytest.fixture
def mug(owner_api):
    category = owner_api.post("categories/", {"name": "Crockery"}).json()
    body = {"sku": "MUG", "name": "Mug", "price": "9.50", "category": category["id"]}
    return owner_api.post("products/", body).json()


def known(api: Api, path: str, tag: str):
    return api.client.get(f"/api/v1/{path}", headers={"if-none-match": tag})


# Entity tags


@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_is_the_same_is_not_sent_again(owner_api, mug, path):
    first = owner_api.get(path)
    again = known(owner_api, path, f'"other", W/{first["ETag"]}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert "Content-Type" not in again
    assert known(owner_api, path, '"other"').json() == first.json()


def test_any_change_of_what_a_list_shows_changes_its_tag(owner_api, acme, mug):
    path = f"products/?search={mug['sku']}&expand=category"
    tags = [owner_api.client.get(f"/api/v1/{path}")["ETag"]]
    for change in (
        lambda: owner_api.patch(f"products/{mug['id']}/", {"name": "Cup"}),
        lambda: owner_api.patch(f"categories/{mug['category']}/", {"name": "China"}),
        lambda: owner_api.post("products/", {"sku": "MUG-2", "name": "Mug", "price": "1.00"}),
    ):
        assert known(owner_api, path, tags[-1]).status_code == 304
        change()
        answer = known(owner_api, path, tags[-1])
        assert answer.status_code == 200
        tags.append(answer["ETag"])
    assert len(set(tags)) == 4


def test_a_record_and_each_selection_of_it_have_tags_of_their_own(owner_api, mug):
    path = f"products/{mug['id']}/"
    whole, part = owner_api.get(path), owner_api.get(path, fields="id")
    assert whole["ETag"] != part["ETag"]
    assert known(owner_api, path, whole["ETag"]).status_code == 304
    assert known(owner_api, path, part["ETag"]).status_code == 200
    assert known(owner_api, path, "*").status_code == 304
    owner_api.patch(path, {"name": "Cup"})
    assert known(owner_api, path, whole["ETag"]).status_code == 200


def test_who_may_not_read_is_not_told_that_nothing_changed(owner_api, nobody, stranger_api, mug):
    path = f"products/{mug['id']}/"
    tag = owner_api.get(path)["ETag"]
    problem(known(nobody, path, tag), 401, "authentication_required")
    problem(known(stranger_api, path, tag), 404, "not_found")


# Selections


def test_only_the_fields_that_are_asked_for_are_shown(owner_api, mug):
    expected = {"sku": "MUG", "price": "9.50"}
    assert owner_api.get("products/", fields="price,sku").json()["data"] == [expected]
    assert owner_api.get(f"products/{mug['id']}/", fields="sku,price").json() == expected
    assert owner_api.get("products/", fields=["price", "sku"]).json()["data"] == [expected]


def test_a_related_record_is_shown_in_place_of_its_id(owner_api, acme, mug):
    category = owner_api.get(f"categories/{mug['category']}/").json()
    expected = mug | {"category": category}
    assert owner_api.get("products/", expand="category").json()["data"] == [expected]
    assert owner_api.get(f"products/{mug['id']}/", expand="category").json() == expected
    bare = owner_api.post("products/", {"sku": "BARE", "name": "Bare", "price": "1.00"}).json()
    assert owner_api.get(f"products/{bare['id']}/", expand="category").json() == bare
    with unit_of_work(acme):
        a_placed_order((a_product(opening_stock=2), 1))
    (order,) = owner_api.get("orders/", expand="customer", fields="id,customer").json()["data"]
    assert set(order) == {"id", "customer"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("fields=price,secret", "unknown_fields"),
        ("fields=", "unknown_fields"),
        ("fields=sku,sku", "repeated"),
        ("fields=sku%00", "unknown_fields"),
        ("expand=lines", "unknown_expand"),
        ("expand=category,category", "repeated"),
    ],
)
def test_a_selection_that_cannot_be_is_refused_by_name(owner_api, mug, query, code):
    for path in ("products/", f"products/{mug['id']}/"):
        answer = owner_api.client.get(f"/api/v1/{path}?{query}")
        assert errors(answer) == {f"/{query.partition('=')[0]}": code}
        assert "Known: " in answer.json()["detail"] or code == "repeated"


def test_nothing_is_expanded_where_nothing_is_declared_or_by_who_may_not_see_it(
    owner_api, acme, owner, actor, mug
):
    assert errors(owner_api.get("customers/", expand="orders")) == {"/expand": "unknown_parameter"}
    with unit_of_work(acme):
        _, secret = create_api_token(actor=actor, owner=owner, name="Till", scopes=["orders:read"])
    program = Api(acme, secret)
    assert program.get("orders/").status_code == 200
    body = problem(program.get("orders/", expand="customer"), 403, "forbidden")
    assert "customers:read" in body["detail"]
