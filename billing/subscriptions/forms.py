"""Forms of the billing pages."""

from typing import Final

from django import forms

from billing.subscriptions.services import FEEDBACK, LONGEST_REASON
from tenants.forms import PortalForm


class InvoiceFilterForm(PortalForm):
    """Which invoices are shown."""

    STATUSES: Final = (("", "All"), ("open", "To be paid"), ("paid", "Paid"), ("void", "Void"))

    status = forms.ChoiceField(choices=STATUSES, required=False)


class CodeForm(PortalForm):
    """A promotion code."""

    code = forms.CharField(
        label="Code",
        max_length=100,
        widget=forms.TextInput(
            attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}
        ),
    )


class PreviewedForm(PortalForm):
    """What was shown, given back by whoever agrees to it."""

    token = forms.CharField(max_length=2000, widget=forms.HiddenInput)


class CancelForm(PortalForm):
    """Why somebody leaves."""

    feedback = forms.ChoiceField(
        label="Why do you cancel?",
        choices=list(FEEDBACK.items()),
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what comes closest: it tells us what to do better."},
    )
    comment = forms.CharField(
        label="What should we know?",
        max_length=LONGEST_REASON,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TaxIdForm(PortalForm):
    """A tax number with its kind, as Stripe names it; an empty number takes it away."""

    KINDS: Final = (
        ("eu_vat", "European Union: VAT number"),
        ("gb_vat", "United Kingdom: VAT number"),
        ("ch_vat", "Switzerland: VAT number"),
        ("no_vat", "Norway: VAT number"),
        ("us_ein", "United States: EIN"),
        ("ca_bn", "Canada: business number"),
        ("ca_gst_hst", "Canada: GST/HST number"),
        ("au_abn", "Australia: ABN"),
        ("nz_gst", "New Zealand: GST number"),
        ("in_gst", "India: GSTIN"),
        ("jp_trn", "Japan: registration number"),
        ("sg_gst", "Singapore: GST number"),
        ("br_cnpj", "Brazil: CNPJ"),
        ("mx_rfc", "Mexico: RFC"),
        ("za_vat", "South Africa: VAT number"),
        ("tr_tin", "Türkiye: tax number"),
    )

    kind = forms.ChoiceField(label="Kind", choices=KINDS)
    value = forms.CharField(
        label="Number",
        max_length=60,
        required=False,
        help_text="With its country, for example DE123456789. Leave it empty to take the number away.",
        widget=forms.TextInput(
            attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
