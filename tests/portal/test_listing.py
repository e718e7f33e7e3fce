"""Lists: pages without counting rows away, orders kept, addresses of strangers borne."""

import re
from decimal import Decimal

import pytest

from tenant_apps.products.models import Product
from tenants import listing
from tenants.context import unit_of_work
from tests.portal.test_products import text
from tests.products.builders import a_product


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 3)


@pytest.fixture
def ten_products(acme):
    with unit_of_work(acme):
        for number in range(10):
            a_product(sku=f"P{number}", name=f"Name {number // 2}", price=Decimal(number % 3))


def skus(page: str) -> list[str]:
    return re.findall(r'data-label="SKU">(P\d)<', page)


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found[1].replace("&amp;", "&") if found else None


def walk(browser, path: str, rel: str) -> list[list[str]]:
    """The SKUs page by page, following the links to the end."""
    pages = []
    while path:
        page = text(browser.get(path))
        pages.append(skus(page))
        path = "/products/" + following if (following := link(page, rel)) else ""
    return pages


@pytest.mark.usefixtures("small_pages", "ten_products")
@pytest.mark.parametrize("sort", ["created", "-created", "name", "-name", "price", "-price", "sku", "stock"])
def test_pages_follow_each_other_without_gap_or_repeat(browser, acme, sort):
    pages = walk(browser, f"/products/?sort={sort}", "next")
    with unit_of_work(acme):
        column = {"created": "created_at", "stock": "on_hand"}.get(sort.lstrip("-"), sort.lstrip("-"))
        sign = "-" if sort.startswith("-") else ""
        expected = list(
            Product.objects.order_by(f"{sign}{column}", f"{sign}pk").values_list("sku", flat=True)
        )
    assert [sku for page in pages for sku in page] == expected
    assert [len(page) for page in pages] == [3, 3, 3, 1]


@pytest.mark.usefixtures("small_pages", "ten_products")
def test_the_way_back_shows_the_same_pages(browser):
    path = "/products/?sort=name"
    forth = walk(browser, path, "next")
    for _ in range(3):
        path = "/products/" + str(link(text(browser.get(path)), "next"))
    back = walk(browser, path, "prev")
    assert back == forth[::-1]


@pytest.mark.usefixtures("small_pages", "ten_products")
def test_a_row_that_is_added_moves_no_page(browser, acme):
    first = text(browser.get("/products/?sort=-created"))
    with unit_of_work(acme):
        a_product(sku="P99", name="Late")
    assert skus(text(browser.get("/products/" + str(link(first, "next"))))) == ["P6", "P5", "P4"]


@pytest.mark.parametrize(
    "place", ["x", "W10", "e30", "WzEsMl0", "WyJhIiwiYiJd", "W251bGwsbnVsbF0", "WzEsImIiXQ", "%00", "🙂"]
)
def test_a_place_that_was_made_up_is_borne(browser, ten_products, place):
    for side in ("after", "before"):
        assert browser.get(f"/products/?{side}={place}").status_code == 200


def test_many_rows_are_counted_up_to_a_limit(browser, ten_products, monkeypatch):
    monkeypatch.setattr(listing, "MOST_COUNTED", 5)
    assert "5+ products" in text(browser.get("/products/"))


def test_a_head_sorts_upwards_first_and_then_turns(browser, ten_products):
    page = text(browser.get("/products/?q=name&sort=name"))
    assert 'aria-sort="ascending"' in page
    assert 'href="?q=name&amp;sort=-name"' in page
    assert 'href="?q=name&amp;sort=price"' in page


def test_tabs_keep_the_words_and_drop_the_page(browser, ten_products):
    page = text(browser.get("/products/?q=name&after=x"))
    assert 'href="/products/?q=name&amp;status=draft"' in page
