"""What operators see of money: what needs a person, subscriptions and invoices, what went back, what was written."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin import EmptyFieldListFilter
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action, display

from billing.accounts.cases import settle_case
from billing.meters import METERS
from billing.models import Case, Deed, LateItem, MoneyBack, StripeInvoice, Subscription
from billing.operators.overview import HEADER, lines, overview
from shared_apps.clients.models import Client
from shared_apps.lifecycle.admin import BOX, Asking
from tenants.audit.actors import actor_of
from tenants.formats import money
from tenants.sheets import csv_pieces
from tenants.users.operators import ReadOnly, operators

CASES = "operators:billing_case_changelist"


def money_page(request: HttpRequest) -> HttpResponseBase:
    """What comes in, what each tenant brings and costs, and what waits for somebody; the table also as a file."""
    now, search = timezone.now(), request.GET.get("q", "").strip()
    if "csv" in request.GET:
        disposition = {"Content-Disposition": f'attachment; filename="money-{now:%Y-%m-%d}.csv"'}
        pieces = csv_pieces(HEADER, lines(now, search))
        return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=disposition)
    found = overview(now, search=search, page=request.GET.get("page", 1))
    context = {**operators.each_context(request), "title": "Money", "money": found, "search": search}
    context |= {"meters": list(METERS.values()), "columns": 7 + len(METERS)}
    return render(request, "admin/billing/money.html", context)


class NoteForm(forms.Form):
    """What was done about it."""

    note = forms.CharField(
        max_length=2000,
        label="What was done about it",
        widget=forms.Textarea(attrs={"class": BOX, "rows": 4}),
    )


class OfTenant(ReadOnly):
    """Rows that name a tenant by its schema, shown by its name and leading to it."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With key and name of the tenant, in the same query."""
        client = Client.objects.filter(schema_name=OuterRef("tenant"))
        rows: QuerySet[Any] = super().get_queryset(request)
        named: QuerySet[Any] = rows.annotate(
            client_id=Subquery(client.values("pk")[:1]), client_name=Subquery(client.values("name")[:1])
        )
        return named

    @display(description="Tenant", ordering="tenant")
    def of(self, row: Any) -> str:
        if row.client_id is None:
            return row.tenant or "–"
        page = reverse("operators:clients_client_change", args=[row.client_id])
        return format_html('<a href="{}" class="underline">{}</a>', page, row.client_name)


class CaseAdmin(Asking, OfTenant):
    """What needs a person: open ones first, each settled with a note."""

    ordering = ("status", "-created_at", "-id")
    list_display = ("created_at", "kind", "of", "text", "state", "settled_by")
    list_filter = ("status", "kind", "created_at")
    search_fields = ("tenant", "object_id", "text")
    fields = ("created_at", "kind", "of", "object_id", "text", "status", "settled_at", "settled_by", "note")
    actions_detail = ("settle",)

    @display(description="Status", ordering="status", label={"Open": "danger", "Settled": "success"})
    def state(self, case: Case) -> str:
        return case.get_status_display()

    def has_settle_permission(self, request: HttpRequest, object_id: str) -> bool:
        return stands(Case, object_id, (Case.Status.OPEN,))

    @action(description="Settle…", permissions=["settle"], url_path="settle")
    def settle(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take it off the queue."""
        return self.ask(
            request,
            title="Settle this case",
            text=Case.objects.get(pk=object_id).text,
            do=lambda given: settle_case(case_id=UUID(object_id), actor=actor_of(request), **given),
            back=reverse(CASES),
            form=NoteForm(request.POST or None),
            then=CASES,
        )


class CustomerAdmin(ReadOnly):
    """Who pays for which tenant at Stripe."""

    list_display = ("tenant", "stripe_id", "created_at")
    search_fields = ("tenant", "stripe_id")


class SubscriptionAdmin(OfTenant):
    """Subscriptions as Stripe has them."""

    list_display = ("started_at", "of", "plan", "plan_version", "state", "period_end", "cancel_at")
    list_filter = ("status", "plan", "started_at")
    search_fields = ("tenant", "stripe_id")
    fields = (
        "of", "stripe_id", "plan", "plan_version", "status", "currency", "period_start", "period_end", "started_at",
        "trial_end", "cancel_at", "cancel_reason", "ended_at", "past_due_since", "pending_plan", "pending_version",
        "pending_at", "items", "discounts", "latest_invoice", "refreshed_at",
    )  # fmt: skip

    @display(
        description="Status",
        ordering="status",
        label={"Active": "success", "On trial": "info", "Past due": "warning", "Unpaid": "danger"},
    )
    def state(self, subscription: Subscription) -> str:
        return subscription.get_status_display()


class InvoiceAdmin(OfTenant):
    """Stripe's invoices as they were last seen."""

    list_display = (
        "issued_at",
        "of",
        "number",
        "state",
        "shown_total",
        "shown_rest",
        "attempts",
        "next_attempt_at",
    )
    list_filter = ("status", "reason", "issued_at")
    search_fields = ("tenant", "stripe_id", "number")
    fields = (
        "of", "stripe_id", "subscription", "number", "status", "reason", "currency", "subtotal", "tax", "total",
        "amount_due", "amount_paid", "amount_remaining", "period_start", "period_end", "issued_at", "due_at",
        "finalized_at", "paid_at", "hosted_url", "pdf_url", "attempts", "next_attempt_at", "error", "lines",
        "refreshed_at",
    )  # fmt: skip

    @display(
        description="Status",
        ordering="status",
        label={"Paid": "success", "Open": "warning", "Given up": "danger", "Draft": "info"},
    )
    def state(self, invoice: StripeInvoice) -> str:
        return invoice.get_status_display()

    @display(description="Total", ordering="total")
    def shown_total(self, invoice: StripeInvoice) -> str:
        return money(invoice.total, invoice.currency)

    @display(description="Unpaid", ordering="amount_remaining")
    def shown_rest(self, invoice: StripeInvoice) -> str:
        return money(invoice.amount_remaining, invoice.currency)


class MoneyBackAdmin(OfTenant):
    """Refunds, credit notes and disputes."""

    list_display = ("happened_at", "of", "kind", "shown_amount", "status", "reason", "invoice")
    list_filter = ("kind", "status", "happened_at")
    search_fields = ("tenant", "stripe_id", "invoice", "charge")
    fields = (
        "happened_at", "of", "kind", "stripe_id", "invoice", "charge", "amount", "currency", "status", "reason",
        "seen_at",
    )  # fmt: skip

    @display(description="Amount", ordering="amount")
    def shown_amount(self, entry: MoneyBack) -> str:
        return money(entry.amount, entry.currency)


class LateItemAdmin(OfTenant):
    """Use that missed the invoice of its period, and the item that it became on a later one."""

    list_display = ("created_at", "of", "period_start", "shown_amount", "status", "invoice", "tries")
    list_filter = ("status", "created_at")
    search_fields = ("tenant", "invoice", "stripe_id")
    fields = (
        "created_at", "of", "period_start", "period_end", "plan", "plan_version", "quantities", "amount", "currency",
        "status", "invoice", "stripe_id", "tries", "tried_at",
    )  # fmt: skip

    @display(description="Amount", ordering="amount")
    def shown_amount(self, item: LateItem) -> str:
        return money(item.amount, item.currency)


class LetterAdmin(OfTenant):
    """What was written to owners and operators about money, and what did not arrive."""

    list_display = ("created_at", "of", "kind", "sent_at", "tries")
    list_filter = ("kind", ("sent_at", EmptyFieldListFilter), "created_at")
    search_fields = ("tenant", "key")
    fields = ("created_at", "of", "kind", "key", "facts", "due_at", "sent_at", "tries", "error")


def stands(model: Any, object_id: str, statuses: tuple[str, ...]) -> bool:
    """Whether a row is in one of these states, so that an action on it makes sense."""
    try:
        return bool(model.objects.filter(pk=object_id, status__in=statuses).exists())
    except ValidationError:  # an address typed by hand
        return False


class DeedAdmin(OfTenant):
    """What was asked for at Stripe, with the key that makes it single; one that is begun is made good by itself."""

    list_display = ("created_at", "of", "verb", "state", "tries", "asked_by", "result")
    list_filter = ("status", "created_at")
    search_fields = ("tenant", "key", "result")
    fields = (
        "created_at",
        "of",
        "verb",
        "key",
        "params",
        "status",
        "tries",
        "asked_by",
        "result",
        "error",
        "ended_at",
    )

    @display(
        description="Status",
        ordering="status",
        label={"Begun": "warning", "Done": "success", "Refused": "danger"},
    )
    def state(self, deed: Deed) -> str:
        return deed.get_status_display()
