"""Pages of documents, and the settings page of the seller's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenant_apps.invoices import services
from tenant_apps.invoices.documents import shown_in_portal
from tenant_apps.invoices.filing import download_url
from tenant_apps.invoices.forms import CreditForm, InvoiceFilterForm, SellerForm
from tenant_apps.invoices.models import Invoice
from tenant_apps.invoices.searching import search_invoices
from tenant_apps.invoices.sellers import seller, update_seller
from tenant_apps.orders.models import Order
from tenants.audit.actors import actor_of
from tenants.listing import Listing, Tab
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show, show_form, tried
from tenants.users.permissions import can

register_settings(Section("Invoices", "invoices:seller", "invoices:manage", order=10))


class InvoiceListing(Listing[Invoice]):
    """Documents by kind, customer and words."""

    noun = ("document", "documents")
    form_class = InvoiceFilterForm
    sorts = {"issued": "issued_at"}
    default_sort = "-issued"

    def filter(self, queryset: QuerySet[Invoice], chosen: Mapping[str, Any]) -> QuerySet[Invoice]:
        if chosen.get("kind"):
            queryset = queryset.filter(kind=chosen["kind"])
        if chosen.get("customer"):
            queryset = queryset.filter(order__customer=chosen["customer"])
        return search_invoices(queryset, chosen.get("q", ""))

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("kind", InvoiceFilterForm.KINDS)


@portal("invoices:read")
@require_GET
def invoice_list(request: PortalRequest) -> HttpResponse:
    """The documents, filtered by the URL."""
    rows = Invoice.objects.select_related("file", "order__customer").defer("snapshot")
    listing = InvoiceListing(request, rows)
    return show(request, "invoices/list.html", {"listing": listing}, part="invoices/results.html")


@portal("invoices:read")
@require_GET
def invoice_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One document as it was issued, and what was credited of it. Until its file is there, the head follows it."""
    rows = Invoice.objects.select_related("file", "order__customer", "invoice")
    invoice = get_object_or_404(rows, pk=pk)
    credit_notes = list(invoice.credit_notes.order_by("number"))
    left = invoice.total - sum(note.total for note in credit_notes)
    context = {
        **shown_in_portal(invoice),
        "credit_notes": credit_notes,
        "left": left if not invoice.is_credit_note else 0,
    }
    return show(request, "invoices/detail.html", context, part="invoices/head.html")


@portal("invoices:read")
@require_GET
def invoice_pdf(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Send the browser to the PDF."""
    return redirect(download_url(get_object_or_404(Invoice.objects.with_file(), pk=pk), inline=True))


@portal("invoices:write")
@require_POST
def invoice_issue(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Issue the invoice of an order; where nobody has said yet who sells, ask for that first."""
    order = get_object_or_404(Order, pk=pk)
    if seller().missing and can(request.user, "invoices:manage"):
        messages.warning(request, "Say first who sells: an invoice has to name a company and its address.")
        return redirect("invoices:seller")
    tried(
        request,
        lambda: services.issue_invoice(actor=actor_of(request), order=order),
        "The invoice is issued. Its PDF follows in a moment.",
    )
    return redirect("orders:detail", pk=pk)


@portal("invoices:write")
@require_http_methods(["GET", "POST"])
def invoice_credit(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Ask how much and why, then issue a credit note."""
    invoice = get_object_or_404(Invoice.objects.invoices(), pk=pk)
    given_back = services.surplus_of(invoice, invoice.order)
    amount = given_back or services.left_to_credit(invoice)
    form = CreditForm(posted(request), initial={"amount": amount})
    if form.is_valid():
        fields = form.cleaned_data
        note = attempt(
            form, lambda: services.issue_credit_note(actor=actor_of(request), invoice=invoice, **fields)
        )
        if note:
            return done(request, "invoices:detail", f"{note.code} is issued.", pk=note.pk)
    return show_form(request, "invoices/credit.html", {"form": form, "invoice": invoice})


@portal("invoices:write")
@require_POST
def invoice_retry(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Have the PDF made again."""
    invoice = get_object_or_404(Invoice, pk=pk)
    tried(
        request,
        lambda: services.make_file_again(actor=actor_of(request), invoice=invoice),
        "The PDF is being made again.",
    )
    return redirect("invoices:detail", pk=pk)


@portal("invoices:manage")
@require_http_methods(["GET", "POST"])
def seller_edit(request: PortalRequest) -> HttpResponse:
    """Change what documents say of the seller, and when they are issued."""
    form = SellerForm(posted(request), initial=SellerForm.initial_of(seller()))
    if form.is_valid():
        changes: Any = form.cleaned_data
        if attempt(form, lambda: update_seller(actor=actor_of(request), **changes)):
            return done(request, "invoices:seller", "The seller's data are saved.")
    return show_form(request, "invoices/seller.html", {"form": form})
