"""The home screen, and the search over everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from tenant_apps.orders.customers.searching import search_customers
from tenant_apps.orders.figures import Waiting, sales_until, waiting_orders
from tenant_apps.orders.models import Customer, Order
from tenant_apps.orders.searching import search_orders
from tenant_apps.orders.templatetags.orders import order_name
from tenant_apps.products.models import Product
from tenant_apps.products.portal import search_products
from tenants.formats import today
from tenants.listing import words_of
from tenants.navigation import Entry, entries, register, settings_tabs
from tenants.portal import PortalRequest, portal, show
from tenants.users.models import ApiToken
from tenants.users.permissions import can

RECENT: Final = 8
FOUND: Final = 6
FIRST_DAY: Final = date(1970, 1, 1)

register(Entry("Home", "home", "orders:home", "orders:read", key="h", order=10, prefix="/"))


@dataclass(frozen=True)
class Task:
    """One line of the to-do list or the checklist."""

    label: str
    hint: str
    url: str
    icon: str = ""
    is_done: bool = False


@portal("orders:read")
@require_GET
def home(request: PortalRequest) -> HttpResponse:
    """What was sold, what waits, and what is still to be set up."""
    currency = request.tenant.currency
    waiting, low = waiting_orders(), Product.objects.low().count()
    steps = _first_steps(request)
    return render(
        request,
        "orders/home.html",
        {
            "sales": sales_until(_until(request), currency),
            "currency": currency,
            "waiting": waiting,
            "low_stock": low,
            "tasks": _tasks(waiting, low),
            "first_steps": [] if all(step.is_done for step in steps) else steps,
            "steps_done": sum(step.is_done for step in steps),
            "recent": list(Order.objects.with_customer().order_by("-created_at", "-pk")[:RECENT]),
        },
    )


def _until(request: PortalRequest) -> date:
    this_day = today().date()
    try:
        asked = date.fromisoformat(request.GET.get("until", ""))
    except ValueError:
        return this_day
    return max(FIRST_DAY, min(asked, this_day))


def _tasks(waiting: Waiting, low: int) -> list[Task]:
    orders, low_stock = reverse("orders:list"), f"{reverse('products:list')}?stock=low"
    tasks = [
        (waiting.to_fulfil, "Fulfil {} paid order{s}", "their goods are reserved", f"{orders}?status=paid", "truck"),
        (waiting.to_be_paid, "Note the payment of {} order{s}", "placed, not paid", f"{orders}?status=placed", "order"),
        (low, "Receive stock for {} product{s}", "at or below their level", low_stock, "warning"),
        (waiting.drafts, "Finish {} draft{s}", "not placed yet", f"{orders}?status=draft", "edit"),
    ]  # fmt: skip
    return [
        Task(label.format(f"{count:,}", s="" if count == 1 else "s"), hint, url, icon)
        for count, label, hint, url, icon in tasks
        if count
    ]


def _first_steps(request: PortalRequest) -> list[Task]:
    steps = [
        Task(
            "Add your products",
            "or import them with your orders",
            reverse("products:new"),
            is_done=Product.objects.order_by().exists(),
        ),
        Task(
            "Place an order",
            "a draft costs nothing",
            reverse("orders:new"),
            is_done=Order.objects.placed().order_by().exists(),
        ),
    ]
    if can(request.user, "tokens:manage"):
        has_token = ApiToken.objects.order_by().exists()
        url = reverse("users:token_new")
        steps.append(Task("Create an API token", "for your shop or scripts", url, is_done=has_token))
    return steps


@dataclass(frozen=True)
class Hit:
    """One line of the search's results."""

    label: str
    hint: str
    url: str
    icon: str


@portal("orders:read")
@require_GET
def search(request: PortalRequest) -> HttpResponse:
    """Find pages, orders, products and customers by a few letters."""
    words = words_of(request)
    groups = {"Go to": _found_pages(request, words)}
    if words:
        groups |= {
            name: _with_more(find(words), name, route, words)
            for name, verb, find, route in SEARCHES
            if can(request.user, verb)
        }
    context = {"words": words, "groups": {name: hits for name, hits in groups.items() if hits}}
    return show(request, "orders/search.html", context, part="orders/search_results.html")


def _with_more(hits: list[Hit], name: str, route: str, words: str) -> list[Hit]:
    """What was found; where there may be more, the way to the list of it."""
    if len(hits) < FOUND:
        return hits
    query = urlencode({"q": words})
    return [*hits, Hit(f"All {name.lower()} with “{words}”", "", f"{reverse(route)}?{query}", "search")]


def _found_pages(request: PortalRequest, words: str) -> list[Hit]:
    pages = [Hit(entry.label, "", entry.url, entry.icon) for entry in entries(request.user)]
    if can(request.user, "orders:write"):
        pages.append(Hit("New order", "", reverse("orders:new"), "plus"))
    if can(request.user, "products:write"):
        pages.append(Hit("New product", "", reverse("products:new"), "plus"))
    pages += [Hit(tab["label"], "Settings", tab["url"], "settings") for tab in settings_tabs(request)]
    return [page for page in pages if words.casefold() in page.label.casefold()]


def _found_orders(words: str) -> list[Hit]:
    orders = search_orders(Order.objects.with_customer(), words).order_by("-created_at", "-pk")[:FOUND]
    return [
        Hit(
            f"{order_name(order)} · {order.customer or 'no customer'}",
            order.get_status_display(),
            reverse("orders:detail", args=[order.pk]),
            "order",
        )
        for order in orders
    ]


def _found_products(words: str) -> list[Hit]:
    products = search_products(Product.objects.live(), words).order_by("name", "pk")[:FOUND]
    return [
        Hit(product.name, product.sku, reverse("products:detail", args=[product.pk]), "box")
        for product in products
    ]


def _found_customers(words: str) -> list[Hit]:
    customers = search_customers(Customer.objects.listed(), words).order_by("name", "pk")[:FOUND]
    return [
        Hit(customer.name, customer.reference or "", reverse("orders:customer", args=[customer.pk]), "people")
        for customer in customers
    ]


SEARCHES: Final[tuple[tuple[str, str, Callable[[str], list[Hit]], str], ...]] = (
    ("Orders", "orders:read", _found_orders, "orders:list"),
    ("Products", "products:read", _found_products, "products:list"),
    ("Customers", "customers:read", _found_customers, "orders:customers"),
)
