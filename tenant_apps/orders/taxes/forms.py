"""Forms of tax rules and of how a tenant reckons tax."""

from typing import Any, ClassVar

from django import forms

from tenant_apps.orders.customers.countries import CHOICES
from tenant_apps.orders.models import TaxRule, TaxSettings
from tenants.forms import PortalForm


class TaxSettingsForm(PortalForm):
    """Whether prices include tax, and where orders are taxed that name no place."""

    prices_include_tax = forms.BooleanField(label="My prices include tax", required=False)
    country = forms.ChoiceField(
        label="Home country",
        choices=[("", "None"), *CHOICES],
        required=False,
        help_text="Where orders are taxed whose customer names no country.",
    )
    region = forms.CharField(label="Home region", required=False, max_length=100)

    @classmethod
    def initial_of(cls, settings: TaxSettings) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(settings, name) for name in cls.base_fields}


class TaxRuleForm(PortalForm):
    """A rate for a place and a tax class from a day on."""

    NAMES: ClassVar = ("name", "rate", "country", "region", "tax_class", "valid_from")

    name = forms.CharField(max_length=60, help_text="As it stands on invoices, such as VAT.")
    rate = forms.DecimalField(
        min_value=0,
        max_value=100,
        max_digits=6,
        decimal_places=3,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.001"}),
    )
    country = forms.ChoiceField(choices=[("", "Every country"), *CHOICES], required=False)
    region = forms.CharField(
        required=False, max_length=100, help_text="Only there; the whole country when it is empty."
    )
    tax_class = forms.ChoiceField(
        label="Tax class", choices=[("", "All"), *TaxRule.TaxClass.choices], required=False
    )
    valid_from = forms.DateField(label="Valid from", widget=forms.DateInput(attrs={"type": "date"}))

    @classmethod
    def initial_of(cls, rule: TaxRule) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(rule, name) for name in cls.NAMES} | {"rate": f"{rule.rate.normalize():f}"}
