"""The operators' admin: clients with their state, operators, and the log of what operators did."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action, display

from shared_apps.clients.models import Client, Domain
from shared_apps.clients.statuses import resume_client, suspend_client
from tenants.audit.actors import actor_of
from tenants.audit.models import AuditEntry
from tenants.errors import DomainError
from tenants.users.models import User
from tenants.users.operators import ReadOnly, operators


class DomainInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Domain
    fields = ("domain", "is_primary", "verified_at")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReasonForm(forms.Form):
    """Why a tenant is closed."""

    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}))


class ClientAdmin(ReadOnly):
    """Tenants: found by name or address, suspended and resumed with a reason."""

    list_display = ("name", "subdomain", "state", "plan", "time_zone", "currency", "created_at")
    list_filter = ("status", "plan", "created_at")
    search_fields = ("name", "subdomain", "schema_name", "domains__domain")
    fields = (
        "name", "subdomain", "status", "suspension_reason", "plan", "locale", "time_zone", "currency",
        "schema_name", "id", "created_at", "updated_at",
    )  # fmt: skip
    inlines = (DomainInline,)
    actions_detail = ("suspend", "resume")
    actions = ("resume_selected",)
    list_per_page = 50

    @display(description="Status", label={"Active": "success", "Suspended": "danger"})
    def state(self, client: Client) -> str:
        return client.get_status_display()

    def has_suspend_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._is(object_id, Client.Status.ACTIVE)

    def has_resume_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self._is(object_id, Client.Status.SUSPENDED)

    def _is(self, object_id: str, status: str) -> bool:
        try:
            return Client.objects.filter(pk=object_id, status=status).exists()
        except ValidationError:  # an address typed by hand
            return False

    @action(description="Suspend…", permissions=["suspend"], url_path="suspend")
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the reason, then close the tenant's doors."""
        client = Client.objects.get(pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self._do(request, f"{client.name} is suspended.", suspend_client, client, **form.cleaned_data)
            return self._back(object_id)
        context = {
            **operators.each_context(request),
            "client": client,
            "form": form,
            "title": f"Suspend {client.name}",
        }
        return render(request, "admin/clients/suspend.html", context)

    @action(description="Resume", permissions=["resume"], url_path="resume")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the tenant's doors again; asks first, because following a link must change nothing."""
        client = Client.objects.get(pk=object_id)
        if request.method == "POST":
            self._do(request, f"{client.name} is open again.", resume_client, client)
            return self._back(object_id)
        context = {**operators.each_context(request), "client": client, "title": f"Resume {client.name}"}
        return render(request, "admin/clients/resume.html", context)

    @action(description="Resume selected tenants")
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Open the doors of several tenants."""
        for client in queryset:
            self._do(request, f"{client.name} is open again.", resume_client, client)

    def _do(self, request: HttpRequest, done: str, verb: Any, client: Client, **arguments: Any) -> None:
        try:
            verb(client_id=client.pk, actor=actor_of(request), **arguments)
        except DomainError as error:
            self.message_user(request, error.detail, messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)

    def _back(self, object_id: str) -> HttpResponse:
        return redirect(reverse("operators:clients_client_change", args=[object_id]))


class OperatorAdmin(ReadOnly):
    """Who may enter this admin; made by `manage.py create_operator`."""

    list_display = ("email", "name", "is_active", "last_login", "created_at")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", "last_login", "created_at")


class AuditAdmin(ReadOnly):
    """What was done on the platform; no row is ever changed."""

    list_display = ("at", "actor_label", "verb", "target_type", "target_id", "address")
    list_filter = ("verb", "at")
    search_fields = ("actor_label", "verb", "target_id")
    fields = (
        "at", "actor_kind", "actor_label", "verb", "target_type", "target_id", "data", "request_id", "address",
    )  # fmt: skip


operators.register(Client, ClientAdmin)
operators.register(User, OperatorAdmin)
operators.register(AuditEntry, AuditAdmin)
