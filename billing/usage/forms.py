"""The form of the spend cap."""

from decimal import Decimal
from typing import Any

from django import forms

from billing.models import SpendCap
from tenants.forms import PortalForm


class SpendCapForm(PortalForm):
    """How much may be spent in a period, and what happens when it is."""

    amount = forms.DecimalField(
        max_digits=12,
        decimal_places=2,
        min_value=Decimal("0.01"),
        required=False,
        label="Spend cap for a billing period",
        help_text="The base price counts, tax does not. Leave it empty for no cap.",
    )
    behaviour = forms.ChoiceField(
        choices=SpendCap.Behaviour.choices,
        widget=forms.RadioSelect,
        label="When it is reached",
    )

    @classmethod
    def of(cls, cap: SpendCap, data: Any = None) -> "SpendCapForm":
        """The form as it begins."""
        return cls(data, initial={"amount": cap.amount, "behaviour": cap.behaviour})
