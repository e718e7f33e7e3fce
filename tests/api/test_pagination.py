"""Cursors: every row once, in order, both ways; good for one tenant, one list and one order."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tenant_apps.orders.models import Order
from tenant_apps.products.models import Product
from tenants.api import pagination
from tenants.context import unit_of_work
from tests.api.calls import Api, errors
from tests.orders.builders import a_draft, a_placed_order
from tests.products.builders import a_product

PRICES = ("3.00", "1.00", "2.00", "1.00", "2.00", "1.00", "5.00")


@pytest.fixture
def seven(acme):
    """Seven products, several of them with the same price."""
    with unit_of_work(acme):
        return [a_product(price=Decimal(price), name=f"Mug {price}") for price in PRICES]


def walk(api: Api, path: str, link: str = "next", **query):
    """All pages of a list, by following links."""
    pages, answer = [], api.get(path, **query)
    while True:
        assert answer.status_code == 200, answer.content
        pages.append(answer.json())
        if pages[-1][link] is None:
            return pages
        answer = api.client.get(pages[-1][link])


def back_from(api: Api, last):
    """The page and all before it, by following links."""
    pages = [last]
    while pages[-1]["previous"]:
        pages.append(api.client.get(pages[-1]["previous"]).json())
    return pages


def ids(pages):
    return [row["id"] for page in pages for row in page["data"]]


@pytest.mark.parametrize(
    "ordering", ["name", "-name", "price", "-price", "price,-name", "-price,created_at", "sku"]
)
def test_pages_hold_every_row_once_and_in_order(owner_api, acme, seven, ordering):
    names = ordering.split(",")
    with unit_of_work(acme):
        tie = "-id" if names[-1].startswith("-") else "id"
        expected = [str(pk) for pk in Product.objects.order_by(*names, tie).values_list("id", flat=True)]
    for limit in (1, 2, 3, 7, 100):
        pages = walk(owner_api, "products/", ordering=ordering, limit=limit)
        assert ids(pages) == expected
        assert [len(page["data"]) for page in pages[:-1]] == [limit] * (len(pages) - 1)


def test_the_way_back_meets_the_same_pages(owner_api, seven):
    there = walk(owner_api, "products/", ordering="price", limit=3)
    back = back_from(owner_api, there[-1])
    assert [ids([page]) for page in reversed(back)] == [ids([page]) for page in there]
    assert back[-1]["previous"] is None
    assert ids([owner_api.client.get(back[-1]["next"]).json()]) == ids([there[1]])


def test_a_first_page_has_no_previous_and_an_empty_list_no_neighbours(owner_api, seven):
    assert owner_api.get("products/", limit=3).json()["previous"] is None
    empty = owner_api.get("products/", status="archived").json()
    assert empty == {"data": [], "next": None, "previous": None}


def test_newest_first_and_25_a_page_unless_asked_otherwise(owner_api, acme):
    with unit_of_work(acme):
        made = [str(a_product().id) for _ in range(27)]
    first, second = walk(owner_api, "products/")
    assert ids([first]) == made[:1:-1]
    assert ids([second]) == made[1::-1]


def test_rows_that_come_and_go_in_between_disturb_no_page(owner_api, acme, seven):
    first = owner_api.get("products/", ordering="-created_at", limit=3).json()
    with unit_of_work(acme):
        a_product()
        Product.objects.filter(pk=first["data"][-1]["id"]).update(
            created_at=timezone.now() + timedelta(days=1)
        )
    second = owner_api.client.get(first["next"]).json()
    assert ids([second]) == [str(product.id) for product in seven[3::-1]][:3]


@pytest.mark.parametrize("ordering", ["number", "-number", "placed_at", "-placed_at"])
def test_rows_without_a_value_have_their_place(owner_api, acme, ordering):
    with unit_of_work(acme):
        product = a_product(opening_stock=50)
        for make in (a_draft, a_placed_order, a_placed_order, a_draft, a_placed_order):
            make((product, 1))
        tie = "-id" if ordering.startswith("-") else "id"
        expected = [str(pk) for pk in Order.objects.order_by(ordering, tie).values_list("id", flat=True)]
    for limit in (1, 2, 3):
        pages = walk(owner_api, "orders/", ordering=ordering, limit=limit)
        assert ids(pages) == expected
        assert sorted(ids(back_from(owner_api, pages[-1]))) == sorted(expected)


def test_filters_stay_in_the_links(owner_api, seven):
    pages = walk(owner_api, "products/", price_max="2.00", ordering="price", limit=2)
    assert len(ids(pages)) == 5
    assert all(Decimal(row["price"]) <= 2 for page in pages for row in page["data"])


# Refusals


@pytest.fixture
def cursor(owner_api, seven):
    return _cursor(owner_api, "products/", limit=2)


def _cursor(api: Api, path: str, **query) -> str:
    link: str = api.get(path, **query).json()["next"]
    return link.partition("cursor=")[2].partition("&")[0].replace("%3A", ":")


def test_another_tenants_cursor_is_refused(owner_api, stranger_api, globex, cursor):
    with unit_of_work(globex):
        for _ in range(3):
            a_product()
    assert owner_api.get("products/", cursor=cursor).status_code == 200
    assert errors(stranger_api.get("products/", cursor=cursor)) == {"/cursor": "invalid_cursor"}


def test_another_lists_cursor_is_refused(owner_api, cursor):
    assert errors(owner_api.get("stock/", cursor=cursor)) == {"/cursor": "invalid_cursor"}


def test_another_orders_cursor_is_refused(owner_api, cursor):
    assert errors(owner_api.get("products/", cursor=cursor, ordering="name")) == {"/cursor": "invalid_cursor"}


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_an_edited_cursor_is_refused(owner_api, cursor, place):
    letters = list(cursor)
    letters[place] = "A" if letters[place] != "A" else "B"
    assert errors(owner_api.get("products/", cursor="".join(letters))) == {"/cursor": "invalid_cursor"}


def test_an_old_cursor_is_refused(owner_api, seven, monkeypatch):
    monkeypatch.setattr(pagination, "GOOD_FOR", timedelta(seconds=-1))
    old = owner_api.get("products/", limit=3).json()["next"]
    assert errors(owner_api.client.get(old)) == {"/cursor": "invalid_cursor"}
