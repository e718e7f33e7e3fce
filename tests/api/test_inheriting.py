"""What a new app gets by inheriting: a viewset of some attributes and three verbs has all of the contract."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import include, path

from config.urls_tenant import urlpatterns as tenant_routes
from tenant_apps.products.models import Category
from tenant_apps.products.services import create_category, delete_category, update_category
from tenants.api.bulk import Bulk, TakesBulk
from tenants.api.deprecation import Deprecated
from tenants.api.filters import TenantFilterSet
from tenants.api.selection import Expansion
from tenants.api.serializers import TenantModelSerializer
from tenants.api.viewsets import Creates, Deletes, Router, TenantViewSet, Updates
from tests.api.calls import BASE, NOWHERE, errors, problem


class ShelfSerializer(TenantModelSerializer):
    """A shelf of a shop."""

    class Meta:
        model = Category
        fields: Any = ("id", "name", "parent", "created_at", "updated_at")


def save_shelf(actor, values):
    return create_category(actor=actor, **values), True


class ShelfViewSet(Creates, Updates, Deletes, TakesBulk, TenantViewSet):
    """Shelves."""

    resource = "products"
    queryset = Category.objects.all()
    serializer_class = ShelfSerializer
    filterset_class = TenantFilterSet
    ordering = ("name",)
    ordering_fields = ("name", "updated_at")
    search_fields = ("name",)
    expansions = {"parent": Expansion(ShelfSerializer, "products:read")}
    bulk_of = Bulk("shelves.bulk", "products:write", ShelfSerializer, save_shelf)
    requires_if_match = ("destroy",)
    deprecations = {"destroy": Deprecated(since=datetime(2026, 1, 31, tzinfo=UTC))}

    def perform_create(self, data):
        return create_category(actor=self.actor, **data)

    def perform_update(self, shelf, data):
        return update_category(actor=self.actor, category=shelf, **data)

    def perform_destroy(self, shelf):
        delete_category(actor=self.actor, category=shelf)


router = Router()
router.register("shelves", ShelfViewSet, basename="shelf")
urlpatterns = [path("api/v1/", include(router.urls)), *tenant_routes]


@pytest.fixture(autouse=True)
def _routed(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def shelf(owner_api):
    answer = owner_api.post("shelves/", {"name": "Mugs"})
    assert answer.status_code == 201, answer.content
    return answer


def test_problems_and_strict_input(owner_api, api, nobody, stranger_api, shelf):
    there = f"shelves/{shelf.json()['id']}/"
    problem(nobody.get("shelves/"), 401, "authentication_required")
    problem(api("viewer").post("shelves/", {"name": "Cups"}), 403, "forbidden")
    for missing in (owner_api.get(f"shelves/{NOWHERE}/"), stranger_api.get(there)):
        problem(missing, 404, "not_found")
    problem(owner_api.put(there, {"name": "Cups"}), 405, "method_not_allowed")
    problem(owner_api.send("post", "shelves/", "{"), 400, "malformed_body")
    assert errors(owner_api.post("shelves/", {"name": 7, "id": NOWHERE, "colour": "red"})) == {
        "/name": "invalid",
        "/id": "read_only",
        "/colour": "unknown_field",
    }
    assert errors(owner_api.get("shelves/", page=1, limit=0)) == {"/page": "unknown_parameter"}


def test_pages_filters_and_selections(owner_api, shelf):
    parent = shelf.json()["id"]
    for name in ("Blue", "Red"):
        assert owner_api.post("shelves/", {"name": name, "parent": parent}).status_code == 201
    page = owner_api.get("shelves/", limit=2, ordering="-name").json()
    assert [each["name"] for each in page["data"]] == ["Red", "Mugs"]
    assert [each["name"] for each in owner_api.client.get(page["next"]).json()["data"]] == ["Blue"]
    assert errors(owner_api.get("shelves/", cursor="edited")) == {"/cursor": "invalid_cursor"}
    assert len(owner_api.get("shelves/", updated_since="2026-01-31T09:30:00Z").json()["data"]) in {0, 3}
    assert owner_api.get("shelves/", updated_since="2999-01-31T09:30:00Z").json()["data"] == []
    found = owner_api.get("shelves/", search="blu", fields="name,parent", expand="parent").json()["data"]
    assert [(each["name"], each["parent"]["name"], len(each)) for each in found] == [("Blue", "Mugs", 2)]


def test_keys_states_and_limits(owner_api, shelf):
    there = BASE + f"shelves/{shelf.json()['id']}/"
    client = owner_api.client
    twice = [
        client.post(
            f"{BASE}shelves/",
            {"name": "Cups"},
            content_type="application/json",
            headers={"idempotency-key": "once"},
        )
        for _ in range(2)
    ]
    assert twice[0].json() == twice[1].json()
    assert twice[1]["Idempotent-Replayed"] == "true"
    read = client.get(there)
    assert client.get(there, headers={"if-none-match": read["ETag"]}).status_code == 304
    stale = client.patch(there, {}, content_type="application/json", headers={"if-match": '"1-0-0"'})
    problem(stale, 412, "precondition_failed")
    unnamed = client.delete(there)
    problem(unnamed, 428, "precondition_required")
    assert unnamed["Deprecation"] == "@1769817600"
    assert client.delete(there, headers={"if-match": read["ETag"]}).status_code == 204
    for answer in (shelf, read, stale):
        assert {"RateLimit", "RateLimit-Policy", "X-Request-Id"} <= set(answer.headers)


def test_many_at_once(owner_api, shelf):
    items = [{"name": "Blue"}, {"name": ""}, {"colour": "red"}]
    body = problem(owner_api.post("shelves/bulk/", {"mode": "atomic", "items": items}), 422, "bulk_refused")
    assert {error["pointer"] for error in body["errors"]} == {
        "/items/1/name",
        "/items/2/colour",
        "/items/2/name",
    }
    each = owner_api.post("shelves/bulk/", {"mode": "each", "items": items}).json()
    assert [item["status"] for item in each["items"]] == [201, 422, 422]
    assert [shelf["name"] for shelf in owner_api.get("shelves/").json()["data"]] == ["Blue", "Mugs"]
