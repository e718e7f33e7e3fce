"""Reading by GraphQL: the rows of the REST API, in statements that do not grow with them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.orders.models import Order
from tenants.audit.actors import Actor
from tenants.context import Tenant, unit_of_work
from tests.api.calls import Api
from tests.graphql.asking import ask, sell

ALL = """
query ($first: Int, $after: String) {
  orders(first: $first, after: $after, ordering: "number") {
    edges { node { number total customer { name orders(first: 2) { edges { node { number } } } }
      lines { sku quantity product { name price category { name } levels { available location { code } } } } } }
    pageInfo { hasNextPage endCursor }
  }
}"""


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
