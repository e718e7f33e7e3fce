"""Deprecation: said in every answer of what will go away, and in the document."""

from datetime import UTC, datetime

import pytest
import yaml
from drf_spectacular.generators import SchemaGenerator

from tenant_apps.products.viewsets import ProductViewSet
from tenants.api.deprecation import Deprecated

ENDING = Deprecated(
    since=datetime(2026, 1, 31, tzinfo=UTC),
    sunset=datetime(2027, 1, 31, 9, 30, tzinfo=UTC),
    link="https://rowhouse.example/changes",
)
HEADERS = {
    "Deprecation": "@1769817600",
    "Sunset": "Sun, 31 Jan 2027 09:30:00 GMT",
    "Link": '<https://rowhouse.example/changes>; rel="deprecation"; type="text/html"',
}


@pytest.fixture
def ending(monkeypatch):
    monkeypatch.setattr(ProductViewSet, "deprecations", {"archive": ENDING})


@pytest.mark.usefixtures("ending")
def test_a_deprecated_action_says_so_even_when_it_refuses(owner_api, nobody):
    product = owner_api.post("products/", {"sku": "MUG", "name": "Mug", "price": "9.50"})
    path = f"products/{product.json()['id']}/archive/"
    for answer in (owner_api.post(path), owner_api.post(path, {"x": 1}), nobody.post(path)):
        assert {name: answer[name] for name in HEADERS} == HEADERS
    assert "Deprecation" not in product


def test_a_whole_view_may_be_deprecated(owner_api, monkeypatch):
    monkeypatch.setattr(ProductViewSet, "deprecations", {"*": Deprecated(since=ENDING.since)})
    answer = owner_api.get("products/")
    assert (answer["Deprecation"], answer.get("Sunset"), answer.get("Link")) == ("@1769817600", None, None)


@pytest.mark.usefixtures("ending")
def test_the_document_says_it():
    drawn = SchemaGenerator().get_schema(request=None, public=True)
    archive = drawn["paths"]["/api/v1/products/{id}/archive/"]["post"]
    assert archive["deprecated"] is True
    assert set(HEADERS) < set(archive["responses"]["200"]["headers"])
    others = [o for path in drawn["paths"].values() for o in path.values() if o.get("deprecated")]
    assert others == [archive]
    assert yaml.safe_dump(archive["parameters"])
