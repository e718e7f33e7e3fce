"""Every list can be walked by an index in each of its orders, so that it costs the same however long it grows."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.db import connection
from django.http import QueryDict
from django.urls import get_resolver

from tenant_apps.orders.customers.services import create_customer
from tenants.api.pagination import Window
from tenants.checks import routes
from tenants.context import Tenant
from tests.products.builders import CLERK, a_product

# Orders that are sorted, and why none of these lists is the worse for it.
SORTED: Final[dict[tuple[str, str], str]] = {
    (
        "StockViewSet",
        "on_hand",
    ): "An index on stock would make each movement of it write all indexes of products.",
    ("StockViewSet", "reserved"): "As on_hand.",
    ("PersonViewSet", "created_at"): "A workspace has few people.",
    ("PersonViewSet", "email"): "A workspace has few people.",
    ("ApiTokenViewSet", "created_at"): "A workspace has few tokens.",
    ("ApiTokenViewSet", "name"): "A workspace has few tokens.",
    ("ImageViewSet", "created_at"): "A product has few pictures.",
    (
        "JobViewSet",
        "created_at",
    ): "Jobs are kept for a while only; by default they are in the order of their ids.",
    (
        "SignInViewSet",
        "created_at",
    ): "A person has few sign-ins; by default they are in the order of their ids.",
}


def lists() -> Iterator[tuple[str, Any]]:
    for path, pattern in routes(get_resolver(settings.ROOT_URLCONF)):
        view: Any = getattr(pattern.callback, "cls", None)
        if getattr(pattern.callback, "actions", {}).get("get") == "list" and view.queryset.db == "default":
            yield path, view


def statements(path: str, view: Any, user: Any, kwargs: dict[str, UUID]) -> Iterator[tuple[str, Any]]:
    """The page that each order of a list asks for, and the one that nobody orders."""
    request: Any = SimpleNamespace(query_params=QueryDict(), user=user, method="GET")
    asked = view(request=request, action="list", kwargs=kwargs, format_kwarg=None)
    rows = asked.get_queryset()
    for order in (None, *view.ordering_fields):
        ordered = rows.order_by(order) if order else rows.order_by(*view.ordering) if view.ordering else rows
        yield order or "", Window.asked_for(ordered, {}, path).rows(ordered.select_related(None))


def sorts(plan: Any) -> bool:
    """Whether all rows are sorted; those of one value, which an index has in a row, may be."""
    return plan["Node Type"] == "Sort" or any(sorts(part) for part in plan.get("Plans", ()))


def test_every_order_of_every_list_has_an_index(owner, inside: Tenant) -> None:
    kwargs = {"product_id": a_product().pk, "customer_id": create_customer(actor=CLERK, name="Ada").pk}
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off"
        )
    found = {
        (view.__name__, order)
        for path, view in lists()
        for order, page in statements(path, view, owner, kwargs)
        if sorts(orjson.loads(page.explain(format="json"))[0]["Plan"])
    }
    assert found == set(SORTED), "add an index for the order, or say in SORTED why none is needed"
