"""How orders are searched: by number, by external reference, and by what their customers are found by."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.searching import CUSTOMER_SEARCH
from tenant_apps.orders.models import Order
from tenant_apps.orders.templatetags.orders import order_name
from tenants.finding import MOST_HITS, Finder, register_finder
from tenants.searching import FEW, MOST_RANKED, SHORTEST_PART

LONGEST_NUMBER: Final = 18


class OrderSearch:
    """Finds orders; where few are found, the one with the number comes first."""

    def narrow(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """All orders that fit."""
        text = _bare(text)
        return rows.filter(_fits(text, _customers(text))) if text else rows

    def rank(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The same: the order with this number or reference, then the newest; in the list's order if there are many."""
        text = _bare(text)
        customers = _customers(text) if text else []
        if not text:
            return rows
        found = rows.filter(_fits(text, customers))
        return found if len(customers) > MOST_RANKED else _exact_first(found, text)

    def few(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Some that fit, the exact one first."""
        text = _bare(text)
        return (
            _exact_first(rows.filter(_fits(text, _customers(text, most=FEW)[:FEW])), text)
            if text
            else rows.none()
        )


ORDER_SEARCH: Final = OrderSearch()


def _bare(text: str) -> str:
    return text.strip().removeprefix("#").strip()


def _named(text: str) -> Q:
    part = "icontains" if len(text) >= SHORTEST_PART else "exact"
    return Q(**{f"external_reference__{part}": text}) | _numbered(text)


def _numbered(text: str) -> Q:
    is_number = text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER
    return Q(number=int(text)) if is_number else Q()


def _customers(text: str, *, most: int = MOST_RANKED) -> list[Any]:
    return CUSTOMER_SEARCH.keys(Customer.objects.all(), text, most=most)


def _fits(text: str, customers: list[Any]) -> Q:
    """Orders by name, or of these customers; so many are left to the database."""
    found = customers if len(customers) <= MOST_RANKED else CUSTOMER_SEARCH.held(Customer.objects.all(), text)
    return _named(text) | Q(customer__in=found)


def _exact_first(orders: Any, text: str) -> QuerySet[Any]:
    cases = [When(external_reference__iexact=text, then=Value(1))]
    if number := _numbered(text):
        cases.insert(0, When(number, then=Value(2)))
    exactness = Case(*cases, default=Value(0), output_field=IntegerField())
    return orders.annotate(relevance=exactness).order_by("-relevance", "-id")  # type: ignore[no-any-return]


def _found(words: str) -> QuerySet[Order]:
    return ORDER_SEARCH.few(Order.objects.with_customer(), words)[:MOST_HITS]


register_finder(
    Finder(
        kind="order",
        title="Orders",
        verb="orders:read",
        order=10,
        icon="order",
        page="orders:detail",
        listing="orders:list",
        resource="order-detail",
        find=_found,
        label=lambda order: f"{order_name(order)} · {order.customer or 'no customer'}",
        hint=lambda order: str(order.get_status_display()),
    )
)
