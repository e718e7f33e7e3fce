"""What GraphQL refuses: fields without their right, plans without it, queries that ask for too much."""

from typing import Any

import pytest

from tenants.audit.actors import Actor
from tenants.context import Tenant
from tests.api.calls import Api
from tests.graphql.asking import ask, sell


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
