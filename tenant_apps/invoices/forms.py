"""Forms of documents and of the seller's data."""

from __future__ import annotations

from typing import Any

from django import forms

from tenant_apps.invoices.models import Seller
from tenant_apps.orders.customers.countries import CHOICES
from tenants.forms import PortalForm


class InvoiceFilterForm(PortalForm):
    """What the list of documents can be narrowed to."""

    KINDS = [("", "All"), ("invoice", "Invoices"), ("credit_note", "Credit notes")]

    q = forms.CharField(required=False, max_length=100)
    kind = forms.ChoiceField(choices=KINDS, required=False, widget=forms.HiddenInput)
    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)


class CreditForm(PortalForm):
    """How much of an invoice to credit, and why."""

    amount = forms.DecimalField(
        max_digits=14,
        decimal_places=2,
        min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="With tax. What was given back is filled in, or else what is left to credit.",
    )
    reason = forms.CharField(required=False, max_length=200, help_text="It stands on the credit note.")


class SellerForm(PortalForm):
    """The seller's data as they are edited."""

    legal_name = forms.CharField(
        required=False,
        max_length=200,
        help_text="As it is registered. No invoice is issued without it, address, city and country.",
    )
    vat_id = forms.CharField(label="VAT id", required=False, max_length=20)
    line1 = forms.CharField(label="Address", required=False, max_length=200)
    line2 = forms.CharField(label="Address, second line", required=False, max_length=200)
    postal_code = forms.CharField(required=False, max_length=20)
    city = forms.CharField(required=False, max_length=100)
    region = forms.CharField(required=False, max_length=100)
    country = forms.ChoiceField(required=False, choices=[("", "Choose a country"), *CHOICES])
    email = forms.EmailField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(required=False, max_length=40)
    footer = forms.CharField(
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands at the end of each document: bank account, register, thanks.",
    )
    invoice_prefix = forms.CharField(required=False, max_length=10)
    credit_note_prefix = forms.CharField(required=False, max_length=10)
    payment_days = forms.IntegerField(
        label="Days to pay", min_value=0, max_value=365, help_text="From the date of the invoice."
    )
    issuing = forms.ChoiceField(label="Issue invoices", choices=Seller.Issuing.choices)

    @classmethod
    def initial_of(cls, seller: Seller) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(seller, name) for name in cls.base_fields}
