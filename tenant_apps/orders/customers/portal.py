"""Pages of customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Max, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from tenant_apps.orders.customers import services
from tenant_apps.orders.customers.countries import address_lines
from tenant_apps.orders.customers.forms import CustomerFilterForm, CustomerForm, handle_of
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.customers.searching import CUSTOMER_SEARCH
from tenant_apps.orders.customers.value import worth_of
from tenant_apps.orders.models import Order
from tenant_apps.orders.sheets import CUSTOMERS
from tenants.audit.actors import actor_of
from tenants.listing import Listing, words_of
from tenants.navigation import Command, Entry, register, register_command
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form

FOUND: Final = 6
ORDERS_OF_CUSTOMER: Final = 20
NOTES_OF_CUSTOMER: Final = 50

register_command(Command("New customer", "orders:customer_new", "customers:write", order=30))
register(
    Entry(
        "Customers", "people", "orders:customers", "customers:read", key="c", order=40, prefix="/customers/"
    )
)


class CustomerListing(Listing[Customer]):
    """Customers by words."""

    noun = ("customer", "customers")
    sheets = (CUSTOMERS,)
    form_class = CustomerFilterForm
    sorts = {"created": "created_at", "name": "name"}
    default_sort = "name"

    def filter(self, queryset: QuerySet[Customer], chosen: Mapping[str, Any]) -> QuerySet[Customer]:
        if chosen.get("tag"):
            queryset = queryset.filter(tags__contains=[chosen["tag"].lower()])
        return CUSTOMER_SEARCH.narrow(queryset, chosen.get("q", ""))


@portal("customers:read")
@require_GET
def customer_list(request: PortalRequest) -> HttpResponseBase:
    """The customers with what they have ordered, filtered by the URL."""
    listing = CustomerListing(request, Customer.objects.listed())
    if (file := listing.file()) is not None:
        return file
    _count_orders(listing.page.rows)
    return show(request, "orders/customers.html", {"listing": listing}, part="orders/customer_results.html")


def _count_orders(customers: Iterable[Customer]) -> None:
    """Put the number of orders and the latest one on each customer, by one query for all."""
    keys = [customer.pk for customer in customers]
    rows = (
        Order.objects.placed()
        .sales()
        .filter(customer__in=keys)
        .order_by()
        .values_list("customer")
        .annotate(Count("pk"), Max("placed_at"))
    )
    found = {key: (count, latest) for key, count, latest in rows}
    for customer in customers:
        # Only for the templates, which cannot look a dictionary up.
        customer.__dict__["order_count"], customer.__dict__["latest_order"] = found.get(
            customer.pk, (0, None)
        )


@portal("customers:read")
@require_GET
def customer_options(request: PortalRequest) -> HttpResponse:
    """Suggestions for a field that takes a customer."""
    found = CUSTOMER_SEARCH.narrow(Customer.objects.listed(), words_of(request)).order_by("name", "pk")[
        :FOUND
    ]
    options = [(handle_of(customer), customer) for customer in found]
    return render(request, "orders/customer_options.html", {"options": options})


@portal("customers:read")
@require_GET
def customer_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One customer with addresses, notes, value and the latest orders; a merged one leads to the survivor."""
    customer = get_object_or_404(Customer, pk=pk)
    if customer.is_merged:
        return redirect("orders:customer", pk=customer.merged_into_id, permanent=True)
    orders = list(customer.orders.order_by("-created_at", "-pk")[: ORDERS_OF_CUSTOMER + 1])
    _count_orders([customer])
    return render(
        request,
        "orders/customer.html",
        {
            "customer": customer,
            "addresses": [(address, address_lines(address)) for address in customer.addresses.all()],
            "notes": list(customer.notes.all()[:NOTES_OF_CUSTOMER]),
            "values": worth_of(customer).by_currency,
            "orders": orders[:ORDERS_OF_CUSTOMER],
            "has_more": len(orders) > ORDERS_OF_CUSTOMER,
        },
    )


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def customer_new(request: PortalRequest) -> HttpResponse:
    """Add a customer."""
    form = CustomerForm(posted(request))
    if form.is_valid():
        fields = form.cleaned_data
        customer = attempt(form, lambda: services.create_customer(actor=actor_of(request), **fields))
        if customer:
            return done(request, "orders:customer", f"{customer.name} is added.", pk=customer.pk)
    return show_form(request, "orders/customer_form.html", {"form": form})


@portal("customers:write")
@require_http_methods(["GET", "POST"])
def customer_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change a customer."""
    customer = get_object_or_404(Customer, pk=pk)
    form = CustomerForm(posted(request), initial=CustomerForm.initial_of(customer))
    if form.is_valid():
        changes = form.cleaned_data
        if attempt(
            form,
            lambda: services.update_customer(actor=actor_of(request), customer=customer, **changes),
        ):
            return done(request, "orders:customer", "The customer is saved.", pk=pk)
    return show_form(request, "orders/customer_form.html", {"form": form, "customer": customer})
