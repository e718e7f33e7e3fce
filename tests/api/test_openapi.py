"""The OpenAPI document: valid, complete, and the same in both forms; the page that shows it."""

import re

import pytest
import yaml
from django.urls import get_resolver
from openapi_spec_validator import OpenAPIV31SpecValidator

from tenants.api.access import Declares
from tenants.checks import routes
from tenants.users.permissions import VERBS
from tests.api.calls import problem
from tests.api.described import described

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def openapi():
    return described()


@pytest.fixture(scope="module")
def operations(openapi):
    return {
        (method, path): operation
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
    }


def api_routes():
    """Every route of the API with its view class and the actions by method."""
    for path, pattern in routes(get_resolver("config.urls_tenant")):
        view = getattr(pattern.callback, "cls", None)
        if view is not None and path.startswith("api/v1/"):
            actions = getattr(pattern.callback, "actions", None)
            yield path, view, actions or {m: m for m in METHODS if hasattr(view, m)}


def test_the_document_is_valid_openapi_3_1(openapi):
    assert openapi["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(openapi).validate()


def test_every_operation_has_an_id_of_its_own(operations):
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in ids)


def test_ids_are_named_after_what_is_done(operations):
    assert operations["get", "/api/v1/products/"]["operationId"] == "products_list"
    assert operations["post", "/api/v1/orders/{id}/place/"]["operationId"] == "orders_place"
    movements = operations["get", "/api/v1/products/{product_id}/movements/"]
    assert movements["operationId"] == "products_movements_list"


def test_every_route_is_in_the_document(operations):
    described = {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in operations}
    offered = {
        (method, "/" + re.sub(r"<[\w:]+>", "{}", path))
        for path, _, actions in api_routes()
        for method in actions.keys() & METHODS
    }
    assert offered == described


def test_every_operation_tells_of_its_problems(operations):
    for operation in operations.values():
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
        assert operation["summary"]


def test_rights_are_declared_with_verbs_that_exist():
    for path, view, actions in api_routes():
        assert issubclass(view, Declares), path
        for method, action in actions.items():
            verb = view.verb_for(action, method.upper())
            assert (verb in VERBS) if verb else view.public_because, (path, method)


def test_credentials_are_described_and_public_doors_have_none(openapi, operations):
    assert set(openapi["components"]["securitySchemes"]) == {"accessToken", "apiToken", "session"}
    assert "security" not in operations["post", "/api/v1/auth/token/"]
    assert operations["get", "/api/v1/me/"]["security"] == [
        {"accessToken": []},
        {"apiToken": []},
        {"session": []},
    ]


def test_bodies_take_no_other_fields_and_answers_hold_every_field(openapi):
    shapes = openapi["components"]["schemas"]
    assert shapes["NewProductRequest"]["additionalProperties"] is False
    assert set(shapes["Product"]["required"]) == set(shapes["Product"]["properties"])


def test_an_answer_is_what_the_document_says(owner_api, openapi):
    product = {"sku": "MUG", "name": "Mug", "price": "9.50"}
    answer = owner_api.post("products/", product).json()
    assert set(answer) == set(openapi["components"]["schemas"]["Product"]["properties"])


def test_it_is_served_as_json_and_as_yaml(nobody, openapi):
    as_json = nobody.client.get("/api/schema/")
    assert as_json["Content-Type"] == "application/json"
    assert as_json.json() == openapi
    as_yaml = nobody.client.get("/api/schema/", headers={"accept": "application/yaml"})
    assert as_yaml["Content-Type"] == "application/yaml"
    assert yaml.load(as_yaml.content, Loader=yaml.CSafeLoader) == openapi
    problem(nobody.client.get("/api/schema/", headers={"accept": "text/html"}), 406, "not_acceptable")


def test_the_page_loads_from_this_host_only_and_runs_nothing_inline(nobody):
    answer = nobody.client.get("/api/docs/")
    page = answer.content.decode()
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 4
    assert all(link.startswith("/static/") for link in links)
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=", page)
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_a_view_that_declares_nothing_or_what_does_not_exist_is_refused():
    from django.core.exceptions import ImproperlyConfigured

    from tenants.api.viewsets import TenantView

    class Silent(TenantView):
        pass

    assert Silent.declared_access() is None
    with pytest.raises(ImproperlyConfigured, match="declares no permission"):
        Silent.verb_for("get", "GET")
    with pytest.raises(ImproperlyConfigured, match="which is no verb"):
        type("Misspelt", (TenantView,), {"resource": "produts"})
