"""Fuzz from the OpenAPI document: no server error, and every answer as the document says."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tenants.api.schema import document
from tenants.context import unit_of_work
from tests.api.calls import NOWHERE, Api
from tests.orders.builders import a_draft, a_paid_order, a_placed_order
from tests.products.builders import a_product

OPENAPI = yaml.safe_load(document("yaml"))
REGISTRY = Registry().with_resource("openapi", Resource(OPENAPI, DRAFT202012))  # type: ignore[call-arg]
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in OPENAPI["paths"].items()
    for method, operation in item.items()
}
TEXTS = [
    *("", " ", "a", "é", "\u202e", "\x00", "%", "x" * 300, "1" * 40, NOWHERE),
    *("9.50", "-1", "1e5", "0.001", "true", "draft", "placed", "goods", "name", "-price"),
    *("2026-01-31T09:30:00Z", "2026-02-30T09:30:00Z", "someone@example.com", "products:read"),
]
texts = st.sampled_from(TEXTS) | st.text(max_size=20)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
anything = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)
)


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that are roughly what a schema asks for."""
    if "$ref" in schema:
        return fitting(OPENAPI["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return st.fixed_dictionaries(
            {},
            optional={name: fitting(part) | anything for name, part in schema.get("properties", {}).items()},
        )
    if kind == "array":
        return st.lists(fitting(schema["items"]) | anything, max_size=3)
    return {"integer": st.integers(-2, 12), "boolean": st.booleans()}.get(kind, texts)


def body_of(operation: dict[str, Any]) -> st.SearchStrategy[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return (fitting(content["schema"]) if content else st.just({})) | anything


def query_of(operation: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    known = {
        part["name"]: fitting(part["schema"]).map(str) | texts
        for part in operation.get("parameters", [])
        if part["in"] == "query"
    }
    return st.fixed_dictionaries({}, optional=known) if known else st.just({})


def check(answer: Any, operation: dict[str, Any]) -> None:
    """The answer is declared, and its body has the declared shape."""
    assert answer.status_code < 500, answer.content
    declared = operation["responses"].get(
        str(answer.status_code), OPENAPI["components"]["responses"]["Problem"]
    )
    content = declared.get("content", {}).get(answer.get("Content-Type", "").partition(";")[0])
    if answer.status_code == 204 or answer.streaming:
        return
    assert content, (answer.status_code, answer.get("Content-Type"))
    if "$ref" in content["schema"]:
        schema = {"$ref": "openapi" + content["schema"]["$ref"]}
        validator = OAS31Validator(schema, registry=REGISTRY, format_checker=oas31_format_checker)
        validator.validate(answer.json())


@pytest.fixture
def ids(acme) -> dict[str, list[str]]:
    """Ids that exist, for the paths."""
    with unit_of_work(acme):
        product = a_product(opening_stock=100)
        orders = [a_draft((product, 1)), a_placed_order((product, 1)), a_paid_order((product, 1))]
    return {
        "products": [str(product.id)],
        "stock": [str(product.id)],
        "orders": [str(order.id) for order in orders],
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_input_breaks_the_server_and_every_answer_conforms(owner_api: Api, ids, name):
    method, path, operation = OPERATIONS[name]
    known = [*ids.get(path.split("/")[3], []), NOWHERE]

    @settings(
        max_examples=20,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        target = re.sub(r"\{\w+\}", lambda _: data.draw(st.sampled_from(known)), path)
        query = data.draw(query_of(operation))
        call = getattr(owner_api.client, method)
        if method in ("get", "delete"):
            answer = call(target, query_params=query)
        else:
            body = json.dumps(data.draw(body_of(operation)))
            answer = call(target, body, content_type="application/json", query_params=query)
        check(answer, operation)

    run()
