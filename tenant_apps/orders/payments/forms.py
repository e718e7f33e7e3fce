"""Forms of payments and refunds."""

from django import forms

from tenant_apps.orders.models import Payment
from tenants.forms import PortalForm


class PaymentForm(PortalForm):
    """Money that came in."""

    amount = forms.DecimalField(
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"}),
        help_text="All that is due when it is empty.",
    )
    method = forms.ChoiceField(choices=Payment.Method.choices, required=False)
    reference = forms.CharField(
        required=False, max_length=100, help_text="The number by which the bank or the card company knows it."
    )
    pending = forms.BooleanField(
        label="It is still on its way",
        required=False,
        help_text="It counts when you note that it has arrived.",
    )

    def clean_method(self) -> str:
        """Somebody who presses the button alone says nothing about it."""
        return self.cleaned_data["method"] or Payment.Method.OTHER


class RefundForm(PaymentForm):
    """Money that goes back."""

    reason = forms.CharField(required=False, max_length=500, help_text="It stays in the order's timeline.")
    field_order = ["amount", "method", "reference", "reason", "pending"]


class SettleForm(PortalForm):
    """What became of money on its way."""

    reason = forms.CharField(required=False, max_length=500, help_text="It stays in the order's timeline.")
