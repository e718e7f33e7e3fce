"""The pages on which owners and admins see what the workspace pays, and change it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from billing.accounts.contracts import contract_of
from billing.accounts.upcoming import next_invoice
from billing.models import StripeInvoice
from billing.plans.offers import choice, comparison
from billing.subscriptions.forms import CodeForm, InvoiceFilterForm
from billing.subscriptions.to_stripe import leads_to_stripe, look_again
from billing.usage.alerts import told_of
from tenants.listing import Listing, Tab
from tenants.navigation import Command, Section, register_command, register_settings
from tenants.portal import PortalRequest, portal, show, show_form

NEWEST = 6
# Whoever was sent to Stripe's page for a card comes back before we are told of it.
AT_STRIPE = "at_stripe"

register_settings(Section("Billing", "billing:home", "billing:manage", order=35))
register_command(Command("Choose a plan", "billing:plans", "billing:manage", order=110))


@leads_to_stripe
@portal("billing:manage")
@require_GET
def home(request: PortalRequest) -> HttpResponse:
    """Plan, state, card and invoices; the next invoice follows, as Stripe is asked for it."""
    if request.session.pop(AT_STRIPE, False):
        look_again(request.tenant)
    return show_home(request, CodeForm())


def show_home(request: PortalRequest, form: CodeForm) -> HttpResponse:
    """The page with the form for a promotion code, as it is or was refused."""
    contract = contract_of(request.tenant)
    context = {
        "alerts": told_of(request.tenant.schema, contract.period),
        "contract": contract,
        "form": form,
        "groups": comparison([contract.version]),
        "invoices": StripeInvoice.objects.filter(tenant=request.tenant.schema)[:NEWEST],
    }
    return show_form(request, "billing/home.html", context)


@portal("billing:manage")
@require_GET
def upcoming(request: PortalRequest) -> HttpResponse:
    """The next invoice line by line; a part of the page, or a page of its own without scripts."""
    contract = contract_of(request.tenant)
    context = {"contract": contract, "invoice": next_invoice(contract)}
    return show(request, "billing/upcoming.html", context, part="billing/upcoming_part.html")


@portal("billing:manage")
@require_GET
def plans(request: PortalRequest) -> HttpResponse:
    """The plans side by side."""
    contract = contract_of(request.tenant)
    versions = choice(contract.version)
    columns = [(version, comparison([version])) for version in versions]
    context = {"contract": contract, "versions": versions, "groups": comparison(versions), "columns": columns}
    return render(request, "billing/plans.html", context)


class InvoiceListing(Listing[StripeInvoice]):
    """Invoices by status."""

    noun = ("invoice", "invoices")
    form_class = InvoiceFilterForm
    sorts = {"issued": "issued_at"}
    default_sort = "-issued"

    def filter(self, queryset, chosen):  # type: ignore[no-untyped-def]
        return queryset.filter(status=chosen["status"]) if chosen.get("status") else queryset

    @property
    def tabs(self) -> list[Tab]:
        return self.tabs_of("status", InvoiceFilterForm.STATUSES)


@portal("billing:manage")
@require_GET
def invoice_list(request: PortalRequest) -> HttpResponse:
    """All invoices."""
    listing = InvoiceListing(request, StripeInvoice.objects.filter(tenant=request.tenant.schema))
    return show(request, "billing/invoices.html", {"listing": listing}, part="billing/invoice_results.html")


@portal("billing:manage")
@require_GET
def invoice_detail(request: PortalRequest, pk: UUID) -> HttpResponse:
    """One invoice line by line."""
    invoice = get_object_or_404(StripeInvoice.objects.filter(tenant=request.tenant.schema), pk=pk)
    return render(request, "billing/invoice.html", {"invoice": invoice})
