"""Reading by GraphQL: the rows, rights and refusals of the REST API."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.clients.models import Client
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import LineInput, create_and_place_order
from tenant_apps.products.services import create_category, create_product
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tenants.users.models import User
from tests.api.calls import Api, signed_in

ALL = """
query ($first: Int, $after: String) {
  orders(first: $first, after: $after, ordering: "number") {
    edges { node { number total customer { name orders(first: 2) { edges { node { number } } } }
      lines { sku quantity product { name price category { name } levels { available location { code } } } } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture
def owner_api(owner: User, acme: Tenant) -> Api:
    return signed_in(owner, acme)


@pytest.fixture
def on_business(acme: Tenant) -> None:
    """Only this plan has it."""
    Client.objects.filter(pk=acme.id).update(plan="business")


def sell(tenant: Tenant, actor: Actor, orders: int) -> None:
    """Orders of two lines each, by customers of their own."""
    with unit_of_work(tenant):
        shelf = create_category(actor=actor, name="Shelf")
        goods = [
            create_product(
                actor=actor,
                sku=f"G-{n}",
                name=f"Jug {n}",
                price=Decimal("2.50"),
                category=shelf,
                opening_stock=500,
            )
            for n in range(2)
        ]
        for number in range(orders):
            create_and_place_order(
                actor=actor,
                customer=create_customer(actor=actor, name=f"Buyer {number}"),
                lines=[LineInput(product_id=each.pk, quantity=number + 1) for each in goods],
                source=Order.Source.API,
            )


def ask(api: Api, query: str, **variables: Any) -> Any:
    response = api.post("graphql/", {"query": query, "variables": variables})
    assert response.status_code == 200, response.content
    return response.json()


def test_a_query_reads_what_rest_reads_page_by_page(
    owner_api: Api, acme: Tenant, actor: Actor, on_business: None
) -> None:
    sell(acme, actor, 3)
    page = ask(owner_api, ALL, first=2)["data"]["orders"]
    first = page["edges"][0]["node"]
    assert (first["number"], first["total"], first["customer"]["name"]) == (1, "5.00", "Buyer 0")
    assert first["lines"][0]["product"]["category"] == {"name": "Shelf"}
    assert page["pageInfo"]["hasNextPage"]
    rest = ask(owner_api, ALL, first=2, after=page["pageInfo"]["endCursor"])["data"]["orders"]
    assert [edge["node"]["number"] for edge in rest["edges"]] == [3]
    found = ask(owner_api, '{ products(first: 5, search: "Jug 1") { edges { node { id sku } } } }')["data"][
        "products"
    ]
    assert [edge["node"]["sku"] for edge in found["edges"]] == ["G-1"]
    key = found["edges"][0]["node"]["id"]
    assert owner_api.get(f"products/{key}/").json()["sku"] == "G-1", "ids are those of the REST API"
    assert ask(owner_api, "query ($id: ID!) { product(id: $id) { sku } }", id=key)["data"] == {
        "product": {"sku": "G-1"}
    }


@pytest.mark.parametrize("orders", [2, 12])
def test_the_number_of_statements_does_not_grow_with_the_rows(
    owner_api: Api, acme: Tenant, actor: Actor, on_business: None, orders: int
) -> None:
    sell(acme, actor, orders)
    ask(owner_api, ALL, first=50)
    with CaptureQueriesContext(connection) as sent:
        ask(owner_api, ALL, first=50)
    assert len(sent) == 6, [query["sql"][:120] for query in sent.captured_queries]


def test_another_tenant_s_records_are_not_there(
    owner_api: Api, globex: Tenant, stranger: Any, on_business: None
) -> None:
    theirs = Actor(kind="user", id=stranger.id, label=stranger.email)
    sell(globex, theirs, 1)
    with unit_of_work(globex):
        key = str(Order.objects.get().pk)
    assert ask(owner_api, "query ($id: ID!) { order(id: $id) { number } }", id=key)["data"] == {"order": None}
    assert ask(owner_api, "{ orders(first: 5) { edges { node { id } } } }")["data"] == {
        "orders": {"edges": []}
    }


def test_a_field_is_refused_without_its_right(
    owner_api: Api, acme: Tenant, actor: Actor, on_business: None
) -> None:
    sell(acme, actor, 1)
    made = owner_api.post("api-tokens/", {"name": "Reader", "scopes": ["graphql:read", "orders:read"]}).json()
    program = Api(acme, made["token"])
    answer = ask(program, "{ orders(first: 5) { edges { node { number customer { name } } } } }")
    (mistake,) = answer["errors"]
    assert mistake["extensions"]["code"] == "forbidden"
    assert "customers:read" in mistake["message"]
    assert answer["data"]["orders"]["edges"] == [{"node": {"number": 1, "customer": None}}]
    refused = ask(program, "{ products(first: 5) { edges { node { sku } } } }")
    assert "products:read" in refused["errors"][0]["message"]


def test_a_plan_without_it_says_which_has_it(owner_api: Api) -> None:
    response = owner_api.post("graphql/", {"query": "{ products(first: 5) { edges { node { sku } } } }"})
    assert response.status_code == 402
    assert response.json()["code"] == "feature_missing"
    assert "Business" in response.json()["detail"]


DEEP = (
    "{ orders(first: 5) { edges { node { "
    + "customer { orders(first: 5) { edges { node { " * 2
    + "id"
    + " } } } }" * 2
    + " } } } }"
)
WIDE = (
    "{ customers(first: 100) { edges { node { orders(first: 100) { edges { node { lines { sku } } } } } } } }"
)
BY_FRAGMENT = f"fragment All on Query {WIDE} query {{ ...All }}"
BY_VARIABLE = WIDE.replace("{ customers(first: 100)", "query ($n: Int) { customers(first: $n)", 1)
MANY_NAMES = "{ " + " ".join(f'a{n}: product(id: "x") {{ sku }}' for n in range(40)) + " }"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (DEEP, "exceeds maximum operation depth"),
        ("{ orders { edges { node { id } } } }", "Say how many of `orders`"),
        (WIDE, "10,000 are allowed"),
        (BY_FRAGMENT, "10,000 are allowed"),
        (BY_VARIABLE, "10,000 are allowed"),
        (MANY_NAMES, "aliases"),
        ("{ products(first: 101) { edges { node { id } } } }", "cannot be higher than 100"),
        ("{ products(first: -1) { edges { node { id } } } }", "non-negative"),
        ('{ products(first: 5, after: "nonsense") { edges { node { id } } } }', "ursor"),
        (
            '{ products(first: 5, ordering: "on_hand") { edges { node { id } } } }',
            "This list can be ordered by",
        ),
        ('{ products(first: 5, status: "sold") { edges { node { id } } } }', "status"),
        ('{ products(first: 5, search: "a\\u0000b") { edges { node { id } } } }', "U+0000"),
        ("{ nothing }", "Cannot query field"),
        ("{", "Syntax Error"),
        ("mutation { products(first: 5) { edges { node { id } } } }", "utation"),
    ],
)
def test_what_asks_for_too_much_or_for_nonsense_is_told_so(
    owner_api: Api, on_business: None, query: str, told: str
) -> None:
    answer = ask(owner_api, query, n=100)
    assert told in answer["errors"][0]["message"], answer
    assert not any((answer["data"] or {}).values())


@pytest.mark.parametrize(
    "body", [{}, {"query": 1}, {"query": "{ a }", "variables": []}, {"query": "{ a }", "more": 1}]
)
def test_a_body_of_another_shape_is_refused(owner_api: Api, on_business: None, body: Any) -> None:
    assert owner_api.post("graphql/", body).status_code == 422
