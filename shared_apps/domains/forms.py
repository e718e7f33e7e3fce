"""Forms of a tenant's domains."""

from typing import Any

from django import forms

from shared_apps.domains.models import Claim
from tenants.forms import PortalForm


class ClaimForm(PortalForm):
    """The name that is wanted."""

    domain = forms.CharField(
        label="Domain",
        max_length=1000,
        help_text="A name that you own, for example shop.example.com. Names with umlauts and the like are fine.",
        widget=forms.TextInput(
            attrs={
                "autocapitalize": "none",
                "autocomplete": "off",
                "autofocus": True,
                "inputmode": "url",
                "placeholder": "shop.example.com",
                "spellcheck": "false",
            }
        ),
    )


class ReleaseForm(PortalForm):
    """The name once more, typed by hand: what leads there stops working at once."""

    name = forms.CharField(
        label="Type the name to go on",
        max_length=300,
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, claim: Claim, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.claim = claim

    def clean_name(self) -> str:
        """Compare what was typed with the name in both of its forms."""
        typed: str = self.cleaned_data["name"].strip().lower()
        if typed not in {self.claim.domain, self.claim.spoken}:
            raise forms.ValidationError(f"This is not {self.claim.spoken}. Type the name exactly.")
        return typed
