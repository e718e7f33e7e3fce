"""How operators say what was counted wrongly."""

import hashlib
from datetime import datetime
from typing import Any, Final

from django import forms

from billing.meters import METERS
from shared_apps.clients.shell import find_client
from shared_apps.lifecycle.admin import BOX
from tenants.errors import NotFound

BOXED: Final = {"class": BOX}


class CorrectionForm(forms.Form):
    """What a tenant used more, or less, than was counted."""

    tenant = forms.CharField(
        max_length=253,
        label="Tenant: its subdomain, host name or schema",
        widget=forms.TextInput(attrs=BOXED),
    )
    meter = forms.ChoiceField(
        choices=[(meter.key, f"{meter.title} ({meter.unit})") for meter in METERS.values()],
        widget=forms.Select(attrs=BOXED),
    )
    quantity = forms.IntegerField(
        label="Quantity: to add, or with a minus to take off; of a gauge what it stood at",
        widget=forms.NumberInput(attrs=BOXED),
    )
    at = forms.DateTimeField(
        label="When it was used, in UTC",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", **BOXED}),
    )
    reason = forms.CharField(
        max_length=300,
        label="Reason, kept in the audit log",
        widget=forms.Textarea(attrs={"rows": 3, **BOXED}),
    )

    def clean_tenant(self) -> str:
        """The schema, by which usage is counted."""
        try:
            return str(find_client(self.cleaned_data["tenant"].strip().lower()).schema_name)
        except NotFound as refusal:
            raise forms.ValidationError(refusal.detail) from refusal


def correction_key(*, tenant: str, meter: str, quantity: int, at: datetime, reason: str) -> str:
    """The same for the same correction, so that a form that is sent twice counts once."""
    told: tuple[Any, ...] = (tenant, meter, quantity, at.isoformat(), reason)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:40]
