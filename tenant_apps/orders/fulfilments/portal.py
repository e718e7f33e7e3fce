"""Pages of an order's goods."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from tenant_apps.orders.fulfilments.forms import FulfilmentForm, ReturnForm
from tenant_apps.orders.fulfilments.services import fulfil_order, progress_of, return_goods
from tenant_apps.orders.models import Fulfilment, Order
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_fulfil(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Let goods leave: all that have not left, or a part of them."""
    order = get_object_or_404(Order, pk=pk)
    form = FulfilmentForm(posted(request), progress_of(order))
    if form.is_valid():
        terms = form.terms
        if attempt(form, lambda: fulfil_order(actor=actor_of(request), order=order, **terms)):
            return done(request, _url(order), "The delivery is noted.")
    return show_form(request, "orders/fulfil.html", {"form": form, "order": order})


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_return(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Take goods back: all that have left, or a part of them."""
    order = get_object_or_404(Order, pk=pk)
    form = ReturnForm(posted(request), progress_of(order))
    if form.is_valid():
        terms = form.terms
        if attempt(form, lambda: return_goods(actor=actor_of(request), order=order, **terms)):
            return done(request, _url(order), "The return is noted.")
    return show_form(request, "orders/return.html", {"form": form, "order": order})


@portal("orders:read")
@require_GET
def packing_slip(request: PortalRequest, pk: UUID) -> HttpResponse:
    """What goes into the parcel, to be printed: what has not left, or one delivery."""
    order = get_object_or_404(Order.objects.with_customer(), pk=pk)
    parcel = _parcel(order, request.GET.get("delivery", ""))
    if parcel:
        rows = [(line.line, line.quantity) for line in parcel.lines.select_related("line")]
    else:
        rows = [(each.line, each.to_send) for each in progress_of(order) if each.to_send]
    return render(request, "orders/packing_slip.html", {"order": order, "rows": rows, "parcel": parcel})


def _parcel(order: Order, pk: str) -> Fulfilment | None:
    try:
        return order.fulfilments.filter(pk=UUID(pk), direction=Fulfilment.Direction.OUT).first()
    except ValueError:
        return None


def _url(order: Order) -> str:
    return reverse("orders:detail", args=[order.pk])
