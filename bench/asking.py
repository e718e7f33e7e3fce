"""The process that asks every list of a large shop, by API and by portal, for `bin/bench search`.

Everything is asked a few times; then each list, in many rounds, what it took longest for.
What there is to ask comes from the declarations: routes, orders and filters of viewsets, sorts and forms of portal
lists. A new list is asked without anybody naming it here.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Final
from urllib.parse import urlencode

from bench.peers.call import Call, fetch
from bench.peers.serve import backend_seconds
from tenants.context import Tenant

RUNS: Final = 20
LOOKS: Final = 3
SLOWEST_OF_A_LIST: Final = 3
DEEP: Final = 90_000
NOWHERE: Final = "00000000-0000-7000-8000-0000000000ff"
# What filters by a method, or by no column, are asked with; the second value finds little or nothing.
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "tag": ("sale", "vip", "gift", "rare", "nobody"),
    "sku": ("SKU-050003", "NOTHING"),
    "code": ("L7", "NOTHING"),
    "updated_since": ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
    "country": ("DE", "ZZ"),
}
BY_CLASS: Final[dict[str, tuple[str, ...]]] = {
    "BooleanFilter": ("true", "false"),
    "TimestampFilter": ("2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
    "AmountFilter": ("100", "1000000"),
}
SEARCHES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "api/v1/products/": (
        "product",
        {
            "word": "teapot",
            "several_words": "rustic oak lamp",
            "beginning": "tea",
            "typo": "tepot",
            "typo_of_common": "clasic",
            "two_typos": "rustik blankt",
            "rare_word": "zirconium",
            "common_word": "classic",
            "letter": "c",
            "nothing": "qqqqzz xxyyzz",
            "sku": "sku-050003",
            "part_of_sku": "050003",
            "german_stem": "vogelhaus",
        },
    ),
    "api/v1/customers/": (
        "customer",
        {
            "name": "ada lovelace",
            "rare_name": "quartermaine",
            "common_name": "grace",
            "part_of_name": "lace",
            "typo": "zebulon quatermain",
            "typo_of_common": "hoper",
            "email": "ada.50012@post.example",
            "part_of_email": "50012",
            "domain": "example",
            "nothing": "qqqqzz xxyyzz",
        },
    ),
    "api/v1/orders/": (
        "order",
        {
            "number": "50003",
            "reference": "SHOP-50004",
            "customer": "quartermaine",
            "common_customer": "ada lovelace",
            "typo": "quatermain",
            "nothing": "qqqqzz xxyyzz",
        },
    ),
    "search/": (
        "everywhere",
        {
            "word": "teapot",
            "common_word": "classic",
            "customer": "ada lovelace",
            "number": "50003",
            "sku": "sku-050003",
            "typo": "tepot",
            "letter": "c",
            "nothing": "qqqqzz xxyyzz",
        },
    ),
}


@dataclass(frozen=True)
class Question:
    """One request, and the list that it is about."""

    of: str
    says: str
    call: Call


@dataclass(frozen=True)
class Visitor:
    """Somebody who asks: the owner of a workspace with a token and with a browser."""

    tenant: Tenant
    api: Call
    portal: Call

    @classmethod
    def of(cls, tenant: Tenant) -> "Visitor":
        from django.conf import settings
        from django.test import Client as Browser

        from tenants.context import unit_of_work
        from tenants.users.models import User
        from tenants.users.tokens import AccessToken

        with unit_of_work(tenant):
            user = User.objects.get(role="owner")
            token = str(AccessToken.issue(user))
            browser = Browser(headers={"host": tenant.host})
            browser.force_login(user)
        cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
        page = (("HTTP_COOKIE", cookie), ("HTTP_ACCEPT", "text/html"), ("HTTP_AUTHORIZATION", ""))
        return cls(tenant, Call(tenant.host, "", "", token), Call(tenant.host, "", "", "", headers=page))

    def asks(self, of: str, path: str, *, via: Call, **query: str) -> Question:
        """A GET with a query."""
        text = urlencode(query)
        return Question(of, text, replace(via, path=f"/{path}", query=text))


def questions(shop: Visitor, registry: Visitor) -> Iterator[Question]:
    """All that is asked."""
    yield from searches(shop)
    for visitor in (shop, registry):
        yield from api_lists(visitor, is_long=visitor is shop)
    yield from portal_lists(shop)


def searches(shop: Visitor) -> Iterator[Question]:
    """The searches by words."""
    for path, (name, words) in SEARCHES.items():
        parameter, via = ("q", shop.portal) if path == "search/" else ("search", shop.api)
        for kind, text in words.items():
            asked = shop.asks(f"{name}_{kind}", path, via=via, **{parameter: text})
            yield replace(asked, says=text)


# The API


def api_lists(visitor: Visitor, *, is_long: bool) -> Iterator[Question]:
    """Every list of the API: its orders, a page far down each, its filters in each order, and a search."""
    for path, view in list_routes():
        if is_long is (view.__name__ in LONG_IN_REGISTRY):
            continue
        address = path.replace("<uuid:", "{").replace(">", "}").format(**_first_ids(visitor.tenant, view))
        for query in _api_queries(visitor.tenant, view, f"/{address}"):
            yield visitor.asks(f"api {path}", address, via=visitor.api, **query)


LONG_IN_REGISTRY: Final = {
    "CategoryViewSet",
    "LocationViewSet",
    "EndpointViewSet",
    "ApiTokenViewSet",
    "PersonViewSet",
    "TaxRuleViewSet",
}


def list_routes() -> Iterator[tuple[str, Any]]:
    """The lists of the API that are of a tenant's own tables."""
    from django.conf import settings
    from django.urls import get_resolver

    from tenants.checks import routes

    for path, pattern in routes(get_resolver(settings.ROOT_URLCONF)):
        view: Any = getattr(pattern.callback, "cls", None)
        if getattr(pattern.callback, "actions", {}).get("get") == "list" and view.queryset.db == "default":
            yield path, view


def _first_ids(tenant: Tenant, view: Any) -> dict[str, str]:
    """The ids of the path: those of the records that have the longest lists below them."""
    from tenant_apps.orders.models import Customer
    from tenant_apps.products.models import Product
    from tenants.context import unit_of_work

    with unit_of_work(tenant):
        customer = Customer.objects.order_by("created_at").values_list("pk", flat=True).first()
        product = Product.objects.order_by("created_at").values_list("pk", flat=True).first()
    return {"customer_id": str(customer), "product_id": str(product)}


def _api_queries(tenant: Tenant, view: Any, path: str) -> Iterator[dict[str, str]]:
    from tenants.context import unit_of_work

    orders = [f"{sign}{name}" for name in view.ordering_fields for sign in ("", "-")]
    with unit_of_work(tenant):
        filters = list(_filter_values(view))
        deep = [(order, _deep_cursor(view, path, order)) for order in (None, *orders)]
    yield {}
    yield from ({"ordering": order} for order in orders)
    yield from (
        {"cursor": cursor} | ({"ordering": order} if order else {}) for order, cursor in deep if cursor
    )
    for number, query in enumerate(filters):
        yield query
        # Each filter meets one of the orders, in turn; the planner has to choose between two indexes then.
        yield query | {"ordering": orders[number % len(orders)]}
    if view.search_fields:
        yield from ({"search": text} for text in ("bench", "a", "nothing-at-all"))


def _filter_values(view: Any) -> Iterator[dict[str, str]]:
    for name, each in view.filterset_class.base_filters.items():
        for value in _values_of(view, name, each):
            yield {name: value}


def _values_of(view: Any, name: str, each: Any) -> tuple[str, ...]:
    from tenants.api import filters

    if name in VALUES:
        return VALUES[name]
    if isinstance(each, filters.ChoiceFilter):
        return tuple(value for value, _ in each.extra["choices"])
    if (fixed := BY_CLASS.get(type(each).__name__)) is not None:
        return fixed
    return (*_met(view, each.field_name), NOWHERE if isinstance(each, filters.IdFilter) else "0")


def _met(view: Any, column: str) -> tuple[str, ...]:
    """A value that a row has."""
    column = {"category": "category_id", "location": "location_id"}.get(column, column)
    model = view.queryset.model
    try:
        found = model.objects.filter(**{f"{column}__isnull": False}).values_list(column, flat=True)
        return tuple(str(value) for value in found.order_by()[:1])
    except Exception:  # noqa: BLE001  (no such column: whatever it filters by, an unknown value is asked)
        return ()


def _deep_cursor(view: Any, path: str, order: str | None) -> str:
    """A cursor far down the list, as a page there would give it."""
    from datetime import UTC, datetime, timedelta

    from tenants.api.pagination import Window
    from tenants.signing import sign_until

    rows = view.queryset.model.objects.all()
    rows = rows.order_by(order) if order else rows.order_by(*view.ordering) if view.ordering else rows
    window = Window.asked_for(rows, {}, path)
    names = [column.name for column in window.columns]
    found = rows.order_by(*map(str, window.columns)).values_list(*names)[DEEP : DEEP + 1]
    if not found:
        return ""
    values = [
        None if v is None else v if isinstance(v, int) else getattr(v, "isoformat", v.__str__)()
        for v in found[0]
    ]
    return sign_until(window.purpose, [False, values], datetime.now(UTC) + timedelta(days=1))


# The portal


def portal_lists(shop: Visitor) -> Iterator[Question]:
    """Every list of the portal: its sorts, a page far down, what its form narrows it to, and a search."""
    from tenants.context import unit_of_work

    for path, listing in PAGES.items():
        with unit_of_work(shop.tenant):
            address = path.format(**_portal_ids())
            queries = list(_portal_queries(_listing_class(listing)))
        for query in queries:
            yield shop.asks(f"portal {path}", address, via=shop.portal, **query)


PAGES: Final = {
    "": "",
    "orders/": "tenant_apps.orders.portal.OrderListing",
    "orders/invoices/": "tenant_apps.invoices.portal.InvoiceListing",
    "customers/": "tenant_apps.orders.customers.portal.CustomerListing",
    "customers/options/": "",
    "products/": "tenant_apps.products.portal.ProductListing",
    "products/options/": "",
    "products/categories/": "",
    "products/{product}/stock/": "tenant_apps.products.portal.LedgerListing",
    "stock/": "tenant_apps.products.portal_stock.StockListing",
    "stock/movements/": "tenant_apps.products.portal_stock.MovementListing",
    "stock/locations/": "tenant_apps.products.portal_stock.LocationListing",
    "stock/transfers/": "tenant_apps.products.portal_stock.TransferListing",
    "stock/counts/": "tenant_apps.products.portal_stock.CountListing",
    "stock/counts/{count}/": "tenant_apps.products.portal_stock.LineListing",
    "imports/": "tenant_apps.imports.portal.ImportListing",
    "imports/{job}/rejected/": "tenant_apps.imports.portal.RejectedListing",
    "settings/webhooks/{endpoint}/": "tenant_apps.webhooks.portal.DeliveryListing",
}


def _listing_class(name: str) -> Any:
    from django.utils.module_loading import import_string

    return import_string(name) if name else None


def _portal_ids() -> dict[str, str]:
    from tenant_apps.imports.models import RejectedRow
    from tenant_apps.products.models import Product, StockDocumentLine
    from tenant_apps.webhooks.models import Delivery

    found = {
        "product": Product.objects.order_by("created_at").values_list("pk", flat=True).first(),
        "count": StockDocumentLine.objects.order_by().values_list("document_id", flat=True).first(),
        "job": RejectedRow.objects.order_by().values_list("job_id", flat=True).first(),
        "endpoint": Delivery.objects.order_by("created_at").values_list("endpoint_id", flat=True).first(),
    }
    return {name: str(value) for name, value in found.items()}


def _portal_queries(listing: Any) -> Iterator[dict[str, str]]:
    yield {}
    if listing is None:
        return
    sorts = [f"{sign}{name}" for name in listing.sorts for sign in ("", "-")]
    yield from ({"sort": name} for name in sorts)
    for name, each in listing.form_class.base_fields.items():
        for number, value in enumerate(_form_values(name, each)):
            yield {name: value}
            yield {name: value, "sort": sorts[number % len(sorts)]}


def _form_values(name: str, each: Any) -> list[str]:
    from django import forms

    if name in VALUES:
        return list(VALUES[name])
    choices: Any = getattr(each, "choices", ())
    if isinstance(each, forms.ModelChoiceField):
        rows: Any = each.queryset
        return [*(str(key) for key in rows.values_list("pk", flat=True)[:1]), NOWHERE]
    if isinstance(each, forms.ChoiceField):
        return [str(value) for value, _ in choices if value]
    return {"q": ["teapot", "ada", "50003", "e", "nothing-at-all"], "customer": [NOWHERE]}.get(name, [])


# Measuring


def measure(asked: list[Question], runs: int) -> list[dict[str, Any]]:
    """Milliseconds of each question, in rounds over all of them."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    times: list[list[tuple[float, float]]] = [[] for _ in asked]
    for number in range(runs + 1):
        for question, taken in zip(asked, times, strict=True):
            began, worked = time.perf_counter(), _cpu_seconds()
            fetch(application, question.call)
            if number:
                taken.append((1000 * (time.perf_counter() - began), 1000 * (_cpu_seconds() - worked)))
    return [
        {"of": q.of, "says": q.says, "ms": [wall for wall, _ in taken], "cpu_ms": [cpu for _, cpu in taken]}
        for q, taken in zip(asked, times, strict=True)
    ]


def _cpu_seconds() -> float:
    """What this process and its backends have worked so far: what remains of a time when others want the machine."""
    return time.process_time() + backend_seconds()


def main(runs: int) -> None:
    """Ask everything, and print how long it took."""
    import django

    django.setup()
    from shared_apps.clients.models import Client
    from shared_apps.clients.services import as_tenant
    from tenants.context import public_context

    with public_context():
        Client.objects.update(plan=Client.Plan.BUSINESS)
        shop, registry = (as_tenant(client) for client in Client.objects.order_by("subdomain"))
    asked = list(questions(Visitor.of(shop), Visitor.of(registry)))
    slowest = slowest_of(asked, measure(asked, LOOKS))
    print(json.dumps({"questions": len(asked), "answers": measure(slowest, runs)}))


def slowest_of(asked: list[Question], looked: list[dict[str, Any]]) -> list[Question]:
    """The questions that each list took longest for when it was looked at; they are worth more rounds."""
    found: dict[str, list[tuple[float, int]]] = {}
    for number, (question, told) in enumerate(zip(asked, looked, strict=True)):
        found.setdefault(question.of, []).append((-median(told["ms"]), number))
    return [asked[number] for times in found.values() for _, number in sorted(times)[:SLOWEST_OF_A_LIST]]


if __name__ == "__main__":
    main(int(sys.argv[1]))
