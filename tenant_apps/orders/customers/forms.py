"""Forms of customers: the shape of the input; the services keep the rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from tenant_apps.orders.customers.models import Customer
from tenants.forms import PortalForm


class CustomerFilterForm(PortalForm):
    """What the list of customers can be narrowed to."""

    q = forms.CharField(required=False, max_length=100)


def handle_of(customer: Customer) -> str:
    """The text by which a form names a customer: reference, else e-mail, else the id."""
    return customer.reference or customer.email or str(customer.pk)


class CustomerField(forms.CharField):
    """A customer, named by reference, e-mail address, id or full name."""

    def clean(self, value: Any) -> Any:
        """The one customer that the text names."""
        text = super().clean(value)
        if not text:
            return None
        found = list(Customer.objects.listed().filter(_named(text))[:2])
        if not found:
            raise ValidationError(
                f"No customer has the reference, e-mail or name “{text}”. Choose one from the suggestions."
            )
        if len(found) > 1:
            raise ValidationError(f"Several customers are called “{text}”. Give the reference or e-mail.")
        return found[0]


def _named(text: str) -> Q:
    named = Q(reference=text) | Q(email__iexact=text) | Q(name__iexact=text)
    try:
        return named | Q(pk=UUID(text))
    except ValueError:
        return named


class CustomerForm(PortalForm):
    """A customer as it is edited."""

    name = forms.CharField(max_length=200)
    email = forms.EmailField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    country = forms.CharField(required=False, max_length=60)
    reference = forms.CharField(
        required=False, max_length=64, help_text="The number by which another system knows the customer."
    )
    note = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 3}))

    @classmethod
    def initial_of(cls, customer: Customer) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(customer, name) for name in cls.base_fields}
