"""Whatever goes wrong, the answer is one shape, and the request's writes are undone."""

import pytest
from django.db import IntegrityError, OperationalError
from django.test import Client

from tenant_apps.products import viewsets
from tenant_apps.products.models import Product
from tenant_apps.products.services import create_product
from tenants.api.failures import failure_of
from tenants.context import unit_of_work
from tenants.errors import Conflict
from tests.api.calls import BASE, Api, errors, problem

MUG = {"sku": "MUG", "name": "Mug", "price": "9.50"}


@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_path_is_a_problem(owner_api, settings, debug):
    settings.DEBUG = debug
    problem(owner_api.get("nothing/"), 404, "not_found")
    problem(Client(headers={"host": "localhost"}).get("/api/v1/nothing/"), 404, "not_found")


@pytest.mark.parametrize("debug", [False, True])
def test_a_path_without_its_slash_is_no_detour(owner_api, settings, debug):
    settings.DEBUG = debug
    for answer in (owner_api.get("products"), owner_api.post("products", MUG)):
        assert "/api/v1/products/" in problem(answer, 404, "not_found")["detail"]


def test_a_portal_page_that_is_missing_is_a_page(owner_api):
    answer = owner_api.client.get("/nothing/")
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (404, "text/html")


@pytest.mark.parametrize("debug", [False, True])
def test_a_failure_outside_the_views_is_a_problem(owner_api, settings, debug, monkeypatch):
    def fail(*args):
        raise RuntimeError("secret detail")

    settings.DEBUG = debug
    monkeypatch.setattr("tenants.middleware.NoStoreMiddleware.__call__", fail)
    answer = quiet(owner_api).get("products/")
    problem(answer, 500, "internal_error")
    assert b"secret detail" not in answer.content


def test_an_id_that_is_none_leads_nowhere(owner_api):
    problem(owner_api.get("products/42/"), 404, "not_found")


def test_a_method_that_is_not_offered_is_405_with_allow(owner_api):
    answer = owner_api.delete("products/")
    problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    problem(owner_api.client.options(BASE + "products/"), 405, "method_not_allowed")


def test_only_json_is_spoken(owner_api):
    answer = owner_api.client.get(BASE + "products/", headers={"accept": "text/html"})
    problem(answer, 406, "not_acceptable")
    answer = owner_api.send("post", "products/", "name=Mug", "application/x-www-form-urlencoded")
    problem(answer, 415, "unsupported_media_type")


def test_no_credential_is_401_with_a_challenge(nobody):
    answer = nobody.get("products/")
    problem(answer, 401, "authentication_required")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_host_that_nobody_has_is_a_problem():
    answer = Client(headers={"host": "unknown.localhost"}).get(BASE + "products/")
    problem(answer, 404, "unknown_host")


def test_validation_names_each_field_by_pointer(owner_api):
    body = {"lines": [{"product": "x", "quantity": 0}, {"quantity": 1}], "place": "yes"}
    assert errors(owner_api.post("orders/", body)) == {
        "/lines/0/product": "invalid",
        "/lines/0/quantity": "min_value",
        "/lines/1/product": "required",
        "/place": "invalid",
    }


def test_a_single_error_is_told_in_the_detail(owner_api):
    body = problem(owner_api.post("customers/", {}), 422, "validation_failed")
    assert body["detail"].startswith("name: ")
    assert body["errors"][0]["in"] == "body"


def test_every_answer_carries_the_request_id(owner_api):
    headers = {"x-request-id": "my-request-0001"}
    answer = owner_api.client.get(BASE + "nothing/else/", headers=headers)
    assert answer["X-Request-Id"] == "my-request-0001"
    answer = owner_api.client.get(BASE + "products/?limit=0", headers=headers)
    assert (answer["X-Request-Id"], answer.json()["request_id"]) == ("my-request-0001", "my-request-0001")


def test_answers_are_kept_out_of_caches(owner_api):
    assert "no-store" in owner_api.get("products/")["Cache-Control"]


@pytest.fixture
def broken(monkeypatch, acme):
    """Makes creating a product write it and then fail with what is given."""

    def breaks_with(failure: Exception) -> None:

        def create_and_fail(**fields):
            create_product(**fields)
            raise failure

        monkeypatch.setattr(viewsets, "create_product", create_and_fail)

    return breaks_with


def quiet(api: Api) -> Api:
    """An API whose test client does not raise what the server has caught and answered."""
    api.client.raise_request_exception = False
    return api


def test_the_unforeseen_is_a_500_that_tells_nothing_and_keeps_nothing(owner_api, broken):
    broken(RuntimeError("secret detail"))
    answer = quiet(owner_api).post("products/", MUG)
    problem(answer, 500, "internal_error")
    assert b"secret detail" not in answer.content
    assert owner_api.get("products/").json()["data"] == []


def test_a_raised_refusal_undoes_what_was_written(owner_api, broken):
    broken(Conflict("Not now."))
    problem(owner_api.post("products/", MUG), 409, "conflict")
    assert owner_api.get("products/").json()["data"] == []


class Cause(Exception):
    """Stands in for the driver's error, which carries the SQLSTATE."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("23505", 409, "already_exists"),
        ("23503", 422, "unknown_reference"),
        ("23001", 409, "still_referenced"),
        ("23514", 422, "rule_violated"),
        ("23502", 422, "required"),
        ("22001", 422, "out_of_range"),
        ("22003", 422, "out_of_range"),
        ("22021", 422, "invalid"),
        ("40001", 503, "busy"),
        ("40P01", 503, "busy"),
        ("55P03", 503, "busy"),
        ("57014", 503, "timeout"),
        ("XX000", 500, "internal_error"),
    ],
)
def test_the_databases_refusals_are_told_apart_by_sqlstate(sqlstate, status, code):
    kind = OperationalError if status == 503 else IntegrityError
    error = kind("constraint some_name")
    error.__cause__ = Cause(sqlstate)
    failure = failure_of(error)
    assert (failure.status, failure.code) == (status, code)
    assert "some_name" not in failure.detail


def test_a_unique_value_taken_in_between_is_a_conflict(owner_api, acme, monkeypatch):
    def create_twice(**fields):
        for _ in range(2):
            product = Product(sku="TWICE", name="Twice", price=1, currency="GBP")
            product.save(force_insert=True)

    monkeypatch.setattr(viewsets, "create_product", create_twice)
    problem(owner_api.post("products/", MUG), 409, "already_exists")
    with unit_of_work(acme):
        assert not Product.objects.exists()
