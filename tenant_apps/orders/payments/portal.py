"""Pages of an order's money."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from tenant_apps.orders.models import Order, Payment
from tenant_apps.orders.payments.forms import PaymentForm, RefundForm
from tenant_apps.orders.payments.services import pay_order, refund_order, settle_payment
from tenants.audit.actors import actor_of
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form, tried


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_pay(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Note a payment: all that is due, or a part of it."""
    order = get_object_or_404(Order, pk=pk)
    form = PaymentForm(posted(request), initial={"amount": order.due})
    if form.is_valid():
        terms = form.cleaned_data
        if attempt(form, lambda: pay_order(actor=actor_of(request), order=order, **terms)):
            return done(request, _url(order), "The payment is noted.")
    return show_form(request, "orders/pay.html", {"form": form, "order": order, "due": order.due})


@portal("orders:write")
@require_http_methods(["GET", "POST"])
def order_refund(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Give money back: what is owed to the customer, or another amount."""
    order = get_object_or_404(Order, pk=pk)
    form = RefundForm(posted(request), initial={"amount": order.refund_due or order.balance})
    form.fields["amount"].help_text = "What is owed to the customer when it is empty."
    if form.is_valid():
        terms = form.cleaned_data
        if attempt(form, lambda: refund_order(actor=actor_of(request), order=order, **terms)):
            return done(request, _url(order), "The refund is noted.")
    return show_form(request, "orders/refund.html", {"form": form, "order": order})


OUTCOMES: Final = {
    "arrived": (True, "Noted: the money has arrived."),
    "failed": (False, "Noted: the money will not arrive."),
}


@portal("orders:write")
@require_POST
def payment_settle(request: PortalRequest, pk: UUID, payment_pk: UUID, outcome: str) -> HttpResponse:
    """Note what became of money on its way."""
    if outcome not in OUTCOMES:
        raise Http404
    payment = get_object_or_404(Payment, pk=payment_pk, order_id=pk)
    succeeded, told = OUTCOMES[outcome]
    actor = actor_of(request)
    tried(request, lambda: settle_payment(actor=actor, payment=payment, succeeded=succeeded), told)
    return redirect("orders:detail", pk=pk)


def _url(order: Order) -> str:
    return reverse("orders:detail", args=[order.pk])
