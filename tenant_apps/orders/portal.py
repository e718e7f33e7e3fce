"""Pages of orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.orders import services
from tenant_apps.orders.customers.forms import handle_of
from tenant_apps.orders.customers.models import Customer
from tenant_apps.orders.editing import edit_order
from tenant_apps.orders.forms import (
    BaseLines,
    CancelForm,
    CloseShortForm,
    DetailsForm,
    Lines,
    NotesForm,
    OrderFilterForm,
    OrderForm,
    TermsForm,
    initial_lines,
    with_more_lines,
)
from tenant_apps.orders.fulfilments.services import price_unsent, progress_of
from tenant_apps.orders.models import Move, Order
from tenant_apps.orders.searching import ORDER_SEARCH
from tenant_apps.orders.sheets import LINES, ORDERS
from tenant_apps.orders.timeline import stages_of, timeline_of
from tenant_apps.products.models import Product
from tenants.audit.actors import actor_of
from tenants.formats import money
from tenants.listing import Listing, Tab, show_list
from tenants.navigation import Command, Entry, register, register_command
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried

register_command(Command("New order", "orders:new", "orders:write", order=10))
register(Entry("Orders", "order", "orders:list", "orders:read", key="o", order=20, prefix="/orders/"))


class OrderListing(Listing[Order]):
    """Orders by state, kind, source, customer and words."""

    noun = ("order", "orders")
    sheets = (ORDERS, LINES)
    form_class = OrderFilterForm
    sorts = {"created": "created_at", "total": "total"}

    def filter(self, queryset: QuerySet[Order], chosen: Mapping[str, Any]) -> QuerySet[Order]:
        if chosen.get("status") == "open":
            queryset = queryset.filter(status__in=[Order.Status.PLACED, Order.Status.PAID])
        elif chosen.get("status"):
            queryset = queryset.filter(status=chosen["status"])
        exact = {name: chosen[name] for name in ("kind", "source", "customer") if chosen.get(name)}
        return ORDER_SEARCH.narrow(queryset.filter(**exact), chosen.get("q", ""))

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", OrderFilterForm.STATUS)

    @property
    def customer(self) -> Customer | None:
        """The customer that the list is narrowed to."""
        chosen = self.chosen.get("customer")
        return Customer.objects.filter(pk=chosen).first() if chosen else None


@portal("orders:read")
@require_GET
def order_list(request: PortalRequest) -> HttpResponseBase:
    """The orders, filtered by the URL."""
    listing = OrderListing(request, Order.objects.with_customer())
    return show_list(request, "orders/list.html", listing, part="orders/results.html")


SOURCES: Final = {"portal": "the portal", "api": "the API", "import": "an import"}
# What a move's button says, and the form that asks for the rest, where there is one.
BUTTONS: Final = {
    Move.PLACE: ("Place order", ""),
    Move.PAY: ("Record payment", "orders:pay"),
    Move.FULFIL: ("Fulfil order", "orders:fulfil"),
    Move.CLOSE: ("Close order", ""),
}


@portal("orders:read")
@require_GET
def order_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One order: its lines, its customer, its way so far, and what can be done with it."""
    order = get_object_or_404(Order.objects.with_customer().with_lines(), pk=pk)
    payments, deliveries = list(order.payments.all()), order.deliveries
    return render(
        request,
        "orders/detail.html",
        {
            "order": order,
            "lines": list(order.lines.all()),
            "stages": stages_of(order),
            "timeline": timeline_of(order, payments=payments, deliveries=deliveries),
            "source": SOURCES[order.source],
            "told": order.breakdown(),
            "payments": payments,
            "deliveries": deliveries,
            "is_closable_short": order.can(Move.CLOSE_SHORT),
            "buttons": [(move.value, *BUTTONS[move]) for move in order.actions if move in BUTTONS],
        },
    )


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_new(request: PortalRequest) -> HttpResponse:
    """Write an order: as a draft, or placed at once."""
    data = posted(request)
    form, lines = OrderForm(data, initial=_given_customer(request)), Lines(data, prefix="lines")
    if data and "more" in data:
        form, lines = OrderForm(initial=data.dict()), with_more_lines(data)
    elif form.is_valid() & lines.is_valid():
        order = attempt(form, lambda: _write(request, form, lines))
        if order:
            return done(
                request, _url(order), f"{order} is placed." if order.number else "The draft is saved."
            )
    context = {"form": form, "lines": lines, "currency": request.tenant.currency}
    return _show_lines(request, "orders/new.html", context)


def _write(request: PortalRequest, form: OrderForm, lines: BaseLines) -> Order:
    create = services.create_and_place_order if "place" in request.POST else services.create_draft
    return create(actor=actor_of(request), lines=lines.inputs, source="portal", **form.cleaned_data)


def _given_customer(request: PortalRequest) -> dict[str, str]:
    """The customer from whose page the order is begun."""
    try:
        customer = Customer.objects.filter(pk=UUID(request.GET.get("customer", ""))).first()
    except ValueError:
        customer = None
    return {"customer": handle_of(customer)} if customer else {}


def _show_lines(request: PortalRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The form, with the names and prices of the products on its lines."""
    form, lines = context["form"], context["lines"]
    _recognise(lines)
    is_wrong = (form.is_bound and form.errors) or (lines.is_bound and not lines.is_valid())
    return render(request, template, context, status=422 if is_wrong else 200)


def _recognise(lines: BaseLines) -> None:
    """Put on each line the product that its text names, by one query for all."""
    typed = [(form, str(form["product"].value() or "").strip().upper()) for form in lines.forms]
    wanted = {sku for _, sku in typed if sku and "\0" not in sku}
    products = {product.sku: product for product in Product.objects.filter(sku__in=wanted)}
    for form, sku in typed:
        form.known = products.get(sku)


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_edit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Give a draft other lines."""
    order = get_object_or_404(Order.objects.with_customer(), pk=pk)
    if not order.is_editable and not order.is_revisable:
        return done(request, _url(order))
    data = posted(request)
    lines = Lines(data, initial=initial_lines(order.lines.all()), prefix="lines")
    form = TermsForm(data, initial=TermsForm.initial_of(order))
    if data and "more" in data:
        lines, form = with_more_lines(data), TermsForm(initial=data.dict())
    elif form.is_valid() & lines.is_valid():
        terms = {**form.cleaned_data, "lines": lines.inputs}
        verb = services.replace_lines if order.is_editable else edit_order
        changed = attempt(form, lambda: verb(actor=actor_of(request), order=order, **terms))
        if changed:
            return done(request, _url(order), _edited(changed))
    context = {"form": form, "lines": lines, "order": order, "currency": order.currency}
    return _show_lines(request, "orders/edit.html", context)


def _edited(order: Order) -> str:
    """What came of an edit, in a sentence."""
    if order.is_editable:
        return "The draft is saved."
    if order.due:
        return f"The order is changed; {money(order.due, order.currency)} is due."
    if order.refund_due:
        return f"The order is changed; {money(order.refund_due, order.currency)} is owed to the customer."
    return "The order is changed."


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_details(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Change note and tags, and a draft's customer."""
    order = get_object_or_404(Order.objects.with_customer(), pk=pk)
    customer = handle_of(order.customer) if order.customer else ""
    initial = {"customer": customer, "note": order.note, "tags": ", ".join(order.tags)}
    form = (DetailsForm if order.is_editable else NotesForm)(posted(request), initial=initial)
    if form.is_valid():
        changes = form.cleaned_data
        if attempt(form, lambda: services.update_order(actor=actor_of(request), order=order, **changes)):
            return done(request, _url(order), "The details are saved.")
    return show_form(request, "orders/details.html", {"form": form, "order": order})


MOVES: Final = {
    Move.PLACE: (services.place_order, "The order is placed and its stock reserved."),
    Move.CLOSE: (services.close_order, "The order is closed."),
}


@portal("orders:write")
@require_POST
def order_move(request: PortalRequest, pk: UUID, move: str) -> HttpResponse:
    """Make one move: place or close."""
    if move not in MOVES:
        raise Http404
    verb, success = MOVES[Move(move)]
    order = get_object_or_404(Order, pk=pk)
    tried(request, lambda: verb(actor=actor_of(request), order=order), success)
    return redirect("orders:detail", pk=pk)


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_cancel(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask why, then call the order off."""
    order = get_object_or_404(Order, pk=pk)
    form = CancelForm(posted(request))
    if form.is_valid():
        terms = form.cleaned_data
        if attempt(form, lambda: services.cancel_order(actor=actor_of(request), order=order, **terms)):
            return done(request, _url(order), "The order is cancelled.")
    return show_form(request, "orders/cancel.html", {"form": form, "order": order})


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_close_short(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Say what is left out and what is owed for it, then close the order without it."""
    order = get_object_or_404(Order.objects.with_lines(), pk=pk)
    form = CloseShortForm(posted(request))
    if form.is_valid():
        terms = form.cleaned_data
        closed = attempt(form, lambda: services.close_short(actor=actor_of(request), order=order, **terms))
        if closed:
            return done(request, _url(order), _closed(closed))
    progress = progress_of(order)
    context = {"form": form, "order": order, "owed": price_unsent(progress)}
    context["rest"] = [(each.line, each.to_send) for each in progress if each.to_send]
    return show_form(request, "orders/close_short.html", context)


def _closed(order: Order) -> str:
    owed = f" {money(order.refund_due, order.currency)} is owed to the customer." if order.refund_due else ""
    return f"The order is closed.{owed}"


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_discard(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask, then throw a draft away."""
    order = get_object_or_404(Order, pk=pk)
    if request.method == "POST":
        actor = actor_of(request)
        gone = tried(
            request, lambda: services.discard_draft(actor=actor, order=order), "The draft is discarded."
        )
        return done(request, "orders:list" if gone else _url(order))
    return render(request, "orders/discard.html", {"order": order})


def _url(order: Order) -> str:
    return reverse("orders:detail", args=[order.pk])
