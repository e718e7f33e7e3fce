"""The home screen, and the search over everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from tenant_apps.orders.figures import Waiting, sales_until, waiting_orders
from tenant_apps.orders.models import Order
from tenant_apps.products.models import Product
from tenants.finding import MOST_HITS, Finder, Hit, found_pages, found_records
from tenants.formats import today
from tenants.listing import words_of
from tenants.navigation import Entry, register
from tenants.portal import PortalRequest, portal, show
from tenants.users.models import ApiToken
from tenants.users.permissions import can

RECENT: Final = 8
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


@portal("orders:read")
@require_GET
def search(request: PortalRequest) -> HttpResponse:
    """Find pages, commands and records by a few letters."""
    words = words_of(request)
    groups = {"Go to": found_pages(request.user, words)}
    if words:
        found = found_records(request.user, words)
        groups |= {finder.title: _with_more(finder, hits, words) for finder, hits in found}
    context = {"words": words, "groups": {name: hits for name, hits in groups.items() if hits}}
    return show(request, "orders/search.html", context, part="orders/search_results.html")


def _with_more(finder: Finder, hits: list[Hit], words: str) -> list[Hit]:
    """What was found; where there may be more, the way to the list of it."""
    if len(hits) < MOST_HITS:
        return hits
    url = f"{reverse(finder.listing)}?{urlencode({'q': words})}"
    return [*hits, Hit(f"All {finder.title.lower()} with “{words}”", "", url, "search")]
