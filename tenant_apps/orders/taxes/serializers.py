"""Shapes of tax rules and of how a tenant reckons tax."""

from typing import Any

from tenant_apps.orders.models import TaxRule, TaxSettings
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer

HELP = {"help_text": "Two letters (ISO 3166-1); empty for every place."}


class TaxRuleSerializer(TenantModelSerializer):
    """A rate in per cent. An empty country, region or tax class stands for all of them."""

    rate = fields.MoneyField(max_digits=6, decimal_places=3, min_value=0, max_value=100)

    class Meta:
        model = TaxRule
        fields: Any = (
            "id",
            "name",
            "rate",
            "country",
            "region",
            "tax_class",
            "valid_from",
            "created_at",
            "updated_at",
        )
        extra_kwargs: Any = {"country": HELP, "valid_from": {"required": False}}


class TaxSettingsSerializer(TenantModelSerializer):
    """Whether prices include tax, and where orders are taxed that name no place."""

    class Meta:
        model = TaxSettings
        fields = ("prices_include_tax", "country", "region")


class TaxSettingsChangesSerializer(TaxSettingsSerializer):
    """What changes of it; the rest stays."""

    prices_include_tax = fields.BooleanField(required=False)
    country = fields.TextField(required=False, allow_blank=True, max_length=2)
    region = fields.TextField(required=False, allow_blank=True, max_length=100)
