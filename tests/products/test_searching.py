"""Finding products: stems of the tenant's language, beginnings, accents, typing mistakes, the best first."""

from dataclasses import replace

import pytest

from tenant_apps.products import languages, tasks
from tenant_apps.products.languages import follow_language
from tenant_apps.products.models import Product
from tenant_apps.products.searching import PRODUCTS
from tenants.audit.models import AuditEntry
from tenants.context import Tenant, current_tenant, tenant_context, unit_of_work
from tests.products.builders import CLERK, a_product


def found(text: str) -> list[str]:
    return [product.sku for product in PRODUCTS.rank(Product.objects.all(), text)]


@pytest.fixture
def shelf(inside: Tenant) -> None:
    a_product(sku="ACME-TEA-1", name="Stainless teapot", description="For four cups")
    a_product(sku="MUG-7", name="Café mugs", description="Goes with the teapot")
    a_product(sku="LAMP", name="Running lamp/torch", description="")
    a_product(sku="CUP", name="Cup", description="")


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("teapot", ["ACME-TEA-1", "MUG-7"]),
        ("mug", ["MUG-7"]),
        ("MUGS", ["MUG-7"]),
        ("cafe", ["MUG-7"]),
        ("runs", ["LAMP"]),
        ("torch", ["LAMP"]),
        ("stainl", ["ACME-TEA-1"]),
        ("teapot for four", ["ACME-TEA-1"]),
        ("acme-tea", ["ACME-TEA-1"]),
        ("acme-tea-1", ["ACME-TEA-1"]),
        ("stanless tepot", ["ACME-TEA-1"]),
        ("runing", ["LAMP"]),
        ("cups", ["CUP", "ACME-TEA-1"]),
        ("zzzz", []),
        ("!?", []),
        ("' OR x=x --", []),
        ("mug:* & !cup <-> x", []),
    ],
)
def test_words_find_what_they_mean_and_the_best_first(text: str, skus: list[str]) -> None:
    assert found(text) == skus


def test_words_are_those_of_the_tenant_s_language(acme: Tenant) -> None:
    with unit_of_work(replace(acme, locale="de-AT")):
        a_product(sku="H", name="Vogelhäuser")
        assert Product.objects.get(sku="H").language == "de"
        assert found("vogelhaus") == ["H"]


def test_products_follow_the_language_of_a_tenant_that_changes_it(acme: Tenant, monkeypatch) -> None:
    monkeypatch.setattr(languages, "BATCH", 2)
    with unit_of_work(acme):
        for number in range(3):
            a_product(sku=f"H{number}", name="Vogelhäuser")
    with tenant_context(replace(acme, locale="de-AT")):
        assert [follow_language(actor=CLERK), follow_language(actor=CLERK)] == [3, 0]
    with unit_of_work(replace(acme, locale="de-AT")):
        assert set(found("vogelhaus")) == {"H0", "H1", "H2"}
        entries = AuditEntry.objects.filter(verb="product.language_followed").order_by("id")
        assert [entry.data["products"] for entry in entries] == [2, 1]


def test_the_daily_look_reaches_each_tenant(acme: Tenant, globex: Tenant, monkeypatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(
        tasks.follow_tenant_language, "delay", lambda: reached.append(current_tenant().schema)
    )
    tasks.follow_languages.apply(throw=True)
    assert {acme.schema, globex.schema} <= set(reached)


def test_an_exact_sku_stands_above_all(inside: Tenant) -> None:
    a_product(sku="TEA", name="Box")
    a_product(sku="POT", name="Tea tea tea", description="tea")
    assert found("tea") == ["TEA", "POT"]
