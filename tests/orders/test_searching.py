"""Finding customers and orders: by words and their beginnings, numbers and references, typing mistakes borne."""

from typing import Any

import pytest

from tenant_apps.orders.customers.searching import CUSTOMER_SEARCH
from tenant_apps.orders.customers.services import create_customer
from tenant_apps.orders.models import Customer, Order
from tenant_apps.orders.searching import ORDER_SEARCH
from tenants.context import Tenant
from tenants.finding import found_pages, found_records
from tests.orders.builders import a_draft, a_placed_order
from tests.products.builders import CLERK, a_product


@pytest.fixture
def shop(inside: Tenant) -> dict[str, Order]:
    people: dict[str, dict[str, Any]] = {
        "ada": {"name": "Ada Lovelace", "email": "ada@shop.example", "reference": "C-7"},
        "hopper": {"name": "Grace Hopper", "company": "Compilers Ltd", "country": "United States"},
        "second": {"name": "Ada Second", "email": "second.one@mail.example"},
    }
    product, orders = a_product(opening_stock=9), {}
    for name, fields in people.items():
        customer = create_customer(actor=CLERK, **fields)
        orders[name] = a_placed_order((product, 1), customer=customer, external_reference=f"WEB-{name}-1")
    orders["nobody"] = a_draft((product, 1))
    return orders


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada", {"Ada Lovelace", "Ada Second"}),
        ("love ada", {"Ada Lovelace"}),
        ("ADA@shop.example", {"Ada Lovelace"}),
        ("c-7", {"Ada Lovelace"}),
        ("compil", {"Grace Hopper"}),
        ("united states", {"Grace Hopper"}),
        ("hoper", {"Grace Hopper"}),
        ("lovlace", {"Ada Lovelace"}),
        ("zeppelin", set()),
        ("!?", set()),
        ("' OR x=x --", set()),
    ],
)
def test_customers_are_found_by_what_is_known_of_them(shop, text: str, names: set[str]) -> None:
    known = Customer.objects.listed()
    assert {customer.name for customer in CUSTOMER_SEARCH.narrow(known, text)} == names
    assert {customer.name for customer in CUSTOMER_SEARCH.rank(known, text)} == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada", ["second", "ada"]),
        ("grace hoper", ["hopper"]),
        ("web-hopper", ["hopper"]),
        ("WEB-ada-1", ["ada"]),
        ("b-", []),
        ("zeppelin", []),
        ("%", []),
    ],
)
def test_orders_are_found_by_reference_and_customer(shop, text: str, names: list[str]) -> None:
    found = [order.pk for order in ORDER_SEARCH.rank(Order.objects.all(), text)]
    assert found == [shop[name].pk for name in names]
    assert {order.pk for order in ORDER_SEARCH.narrow(Order.objects.all(), text)} == set(found)


def test_the_order_with_the_number_comes_first(shop) -> None:
    first = shop["ada"]
    later = a_placed_order((a_product(opening_stock=1), 1), external_reference=f"X{first.number}00")
    for text in (f"#{first.number}", str(first.number)):
        assert ORDER_SEARCH.rank(Order.objects.all(), text).first() == first
    assert ORDER_SEARCH.rank(Order.objects.all(), f"X{first.number}00").first() == later


def test_what_too_many_have_is_left_to_each_row(shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that more have than are picked out find the same, in the list's own order."""
    for module in ("tenants.searching", "tenant_apps.orders.searching"):
        monkeypatch.setattr(f"{module}.MOST_RANKED", 1)
    rows = Order.objects.all()
    assert [order.pk for order in ORDER_SEARCH.rank(rows, "ada")] == [shop["second"].pk, shop["ada"].pk]
    assert CUSTOMER_SEARCH.narrow(Customer.objects.all(), "ada").count() == 2


def test_everywhere_is_where_the_verbs_reach(owner, shop) -> None:
    found = {finder.kind: [hit.label for hit in hits] for finder, hits in found_records(owner, "ada")}
    assert set(found) == {"customer", "order"}
    assert found["customer"] == ["Ada Second", "Ada Lovelace"]

    class Clerk:
        def can(self, verb: str) -> bool:
            return verb == "orders:read"

    assert [finder.kind for finder, _ in found_records(Clerk(), "ada")] == ["order"]
    assert {page.label for page in found_pages(Clerk(), "")} == {"Home", "Orders"}
    assert [page.label for page in found_pages(owner, "settings dom")] == ["Domains"]
