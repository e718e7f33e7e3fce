"""The operators' pages about the fleet: an overview, the ledger of schemas, and the runs that migrated them."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django_tenants.utils import get_tenant_model
from unfold.decorators import display

from shared_apps.fleet.models import Baseline, Pool, Run, Schema
from shared_apps.fleet.overview import overview
from tenants.users.operators import ReadOnly, operators

SHORT = 12


class BehindFilter(admin.SimpleListFilter):
    """Schemas with other migrations than the baseline has."""

    title = "generation"
    parameter_name = "generation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("newest", "The newest"), ("behind", "Behind")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schema]) -> QuerySet[Schema]:
        if self.value() is None:
            return queryset
        newest = Q(is_newest=self.value() == "newest")  # see SchemaAdmin.get_queryset
        return queryset.exclude(applied="").filter(newest)


class FailedFilter(admin.SimpleListFilter):
    """Schemas whose last migration failed, or that could not be made for the pool."""

    title = "failure"
    parameter_name = "failure"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Failed"), ("no", "Without failure")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Schema]) -> QuerySet[Schema]:
        if self.value() is None:
            return queryset
        return queryset.exclude(failure="") if self.value() == "yes" else queryset.filter(failure="")


class SchemaAdmin(ReadOnly):
    """The ledger: each schema with its owner and its generation."""

    list_display = (
        "name", "standing", "since", "owner", "generation", "catalog", "trouble",
    )  # fmt: skip
    list_filter = ("state", BehindFilter, FailedFilter)
    search_fields = ("name", "owner_name")
    search_help_text = "Name of the schema or of the tenant"
    fields = (
        "name", "state", "owner", "tenant_id", "generation", "applied", "fingerprint", "halfway", "steps",
        "failure", "failed_at", "reserved_at", "ready_at", "owned_at",
    )  # fmt: skip
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schema]:
        owners = get_tenant_model().objects.filter(schema_name=OuterRef("name"))
        newest = Exists(Baseline.objects.filter(applied=OuterRef("applied")))
        found: QuerySet[Schema] = super().get_queryset(request)
        return found.annotate(
            owner_id=Subquery(owners.values("pk")[:1]),
            owner_name=Subquery(owners.values("name")[:1]),
            is_newest=newest,
        )

    @display(
        description="State",
        ordering="state",
        label={"Owned": "success", "Ready": "info", "Reserved": "default", "Template": "primary"},
    )
    def standing(self, schema: Schema) -> str:
        return (
            schema.get_state_display()
            .split()[-1 if schema.state == "template" else 0]
            .strip(":")
            .capitalize()
        )

    @display(description="Since")
    def since(self, schema: Schema) -> str:
        at = schema.owned_at or schema.ready_at or schema.reserved_at
        return f"{at:%Y-%m-%d %H:%M}"

    @display(description="Owner", ordering="owner_name")
    def owner(self, schema: Any) -> str:
        if schema.owner_id is None:
            return "–"
        address = reverse("operators:clients_client_change", args=[schema.owner_id])
        return format_html('<a href="{}" class="text-link">{}</a>', address, schema.owner_name)

    @display(description="Generation", ordering="applied")
    def generation(self, schema: Any) -> str:
        if not schema.applied:
            return "–"
        text = schema.applied[:SHORT]
        return text if schema.is_newest else f"{text} · behind"

    @display(description="Catalog", ordering="fingerprint")
    def catalog(self, schema: Schema) -> str:
        return schema.fingerprint[:SHORT] or "–"

    @display(description="Trouble", label={"Failed": "danger", "Halfway": "warning"})
    def trouble(self, schema: Schema) -> str:
        if schema.failure:
            return "Failed"
        return "Halfway" if schema.halfway else ""


class RunAdmin(ReadOnly):
    """Migrations of the fleet, with how each went."""

    list_display = ("started_at", "result", "finished_at", "schemas", "migrated", "failed")
    list_filter = ("outcome", "started_at")
    fields = (
        "started_at", "finished_at", "outcome", "schemas", "migrated", "failed", "note", "options", "target", "id",
    )  # fmt: skip
    list_per_page = 50

    @display(
        description="Outcome",
        ordering="outcome",
        label={
            "Done": "success",
            "Running": "info",
            "Stopped by failures": "danger",
            "Its process died": "warning",
        },
    )
    def result(self, run: Run) -> str:
        return run.get_outcome_display()


class OverviewAdmin(ReadOnly):
    """The fleet on one page, in the place of the list of the pool's only row."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**operators.each_context(request), "title": "Fleet", "fleet": overview()}
        return render(request, "admin/fleet/overview.html", context)


operators.register(Schema, SchemaAdmin)
operators.register(Run, RunAdmin)
operators.register(Pool, OverviewAdmin)
