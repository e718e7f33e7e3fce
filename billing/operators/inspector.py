"""The inspector of Stripe's events, with the tenants that they are about: only billing knows whose a customer is."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from unfold.decorators import display

from billing.models import Customer
from shared_apps.clients.models import Client
from shared_apps.inbox.admin import EventAdmin
from shared_apps.inbox.models import ReceivedEvent


class TenantEventAdmin(EventAdmin):
    """Events with their tenant, found by its name as well."""

    list_display = (*EventAdmin.list_display[:3], "tenant", *EventAdmin.list_display[3:])
    readonly_fields: tuple[str, ...] = (*EventAdmin.readonly_fields, "tenant")
    fields: tuple[str, ...] = ("tenant", *EventAdmin.fields)
    search_help_text = "A tenant's subdomain or schema, or the whole id of an event, an object or a customer."

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReceivedEvent]:
        """With the schema and the subdomain of each one's tenant."""
        schema = Customer.objects.filter(stripe_id=OuterRef("customer")).values("tenant")[:1]
        rows: QuerySet[Any] = super().get_queryset(request).annotate(schema=Subquery(schema))
        named = Client.objects.filter(schema_name=OuterRef("schema")).values("subdomain")[:1]
        named_rows: QuerySet[ReceivedEvent] = rows.annotate(subdomain=Subquery(named))
        return named_rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReceivedEvent], search_term: str
    ) -> tuple[QuerySet[ReceivedEvent], bool]:
        """What a tenant is called stands beside the ids."""
        term = search_term.strip().lower()
        schemas = Client.objects.filter(subdomain=term).values_list("schema_name", flat=True)
        theirs = Customer.objects.filter(tenant__in=[term, *schemas])
        if customers := list(theirs.values_list("stripe_id", flat=True)):
            return queryset.filter(customer__in=customers), False
        found: tuple[QuerySet[ReceivedEvent], bool] = super().get_search_results(
            request, queryset, search_term
        )
        return found

    @display(description="Tenant")
    def tenant(self, event: Any) -> str:
        return str(event.subdomain or event.schema or "–")
