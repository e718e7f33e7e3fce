"""The API of taxes."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.orders.models import TaxRule, TaxSettings
from tenant_apps.orders.taxes.filters import TaxRuleFilters
from tenant_apps.orders.taxes.serializers import (
    TaxRuleSerializer,
    TaxSettingsChangesSerializer,
    TaxSettingsSerializer,
)
from tenant_apps.orders.taxes.services import (
    create_tax_rule,
    delete_tax_rule,
    update_tax_rule,
    update_tax_settings,
)
from tenants.api.viewsets import Creates, Deletes, TenantView, TenantViewSet, Updates
from tenants.audit.actors import actor_of


class TaxRuleViewSet(Creates, Updates, Deletes, TenantViewSet):
    """What is charged where. The rule of the nearest place wins; orders keep the rate that they were written with."""

    resource = "taxes"
    verbs = dict.fromkeys(("create", "partial_update", "destroy"), "taxes:manage")
    queryset = TaxRule.objects.all()
    serializer_class = TaxRuleSerializer
    filterset_class = TaxRuleFilters
    ordering = ("-created_at", "-id")
    ordering_fields = ("created_at", "updated_at")
    search_fields = ("name", "region")

    def perform_create(self, data: dict[str, Any]) -> TaxRule:
        """Charge a rate in a place, for a tax class or for all, from a day on (today, unless it is named)."""
        return create_tax_rule(actor=self.actor, **data)

    def perform_update(self, rule: TaxRule, data: dict[str, Any]) -> TaxRule:
        """Change what is given of a rule; orders that were written keep their rates."""
        return update_tax_rule(actor=self.actor, rule=rule, **data)

    def perform_destroy(self, rule: TaxRule) -> None:
        """Take a rule away; orders that were written keep their rates."""
        delete_tax_rule(actor=self.actor, rule=rule)


class TaxSettingsView(TenantView):
    """How this tenant reckons tax."""

    resource = "taxes"
    verbs = {"patch": "taxes:manage"}
    input_class = TaxSettingsChangesSerializer
    output_class = TaxSettingsSerializer

    def get(self, request: Request) -> Response:
        """Whether prices include tax, and where orders are taxed that name no place."""
        return self.answer(TaxSettings.objects.get())

    def patch(self, request: Request) -> Response:
        """Change it for orders that are written from now on."""
        return self.answer(update_tax_settings(actor=actor_of(request), **self.input()))
