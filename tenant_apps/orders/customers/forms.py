"""Forms of customers: the shape of the input; the services keep the rules."""

from __future__ import annotations

from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from tenant_apps.orders.customers.countries import CHOICES
from tenant_apps.orders.customers.models import Address, Customer
from tenants.forms import PortalForm

LANGUAGES: Final = [("", "Not known"), ("en", "English"), ("de", "German"), ("fr", "French")]


class CustomerFilterForm(PortalForm):
    """What the list of customers can be narrowed to."""

    q = forms.CharField(required=False, max_length=100)
    tag = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)


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


class TagsField(forms.CharField):
    """Tags, divided by commas."""

    def prepare_value(self, value: Any) -> Any:
        """A list as people type it."""
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """The tags as a list."""
        return [tag.strip() for tag in super().clean(value).split(",") if tag.strip()]


class CustomerForm(PortalForm):
    """A customer as it is edited."""

    name = forms.CharField(max_length=200)
    company = forms.CharField(required=False, max_length=200)
    email = forms.EmailField(label="E-mail", required=False, max_length=254)
    phone = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    country = forms.CharField(required=False, max_length=60)
    reference = forms.CharField(
        required=False, max_length=64, help_text="The number by which another system knows the customer."
    )
    vat_id = forms.CharField(label="VAT id", required=False, max_length=30)
    language = forms.ChoiceField(required=False, choices=LANGUAGES, help_text="Of invoices.")
    tags = TagsField(required=False, max_length=2_100, help_text="Divided by commas.")
    note = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A language that came by the API and is not among the choices stays what it is.
        if (kept := self.initial.get("language")) and kept not in dict(LANGUAGES):
            cast(forms.ChoiceField, self.fields["language"]).choices = [*LANGUAGES, (kept, kept)]

    @classmethod
    def initial_of(cls, customer: Customer) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(customer, name) for name in cls.base_fields}


class AddressForm(PortalForm):
    """An address as it is edited."""

    kind = forms.ChoiceField(label="Used for", choices=Address.Kind.choices, initial=Address.Kind.BOTH)
    name = forms.CharField(required=False, max_length=200, help_text="Where it differs from the customer's.")
    company = forms.CharField(required=False, max_length=200)
    line1 = forms.CharField(label="Address", max_length=200)
    line2 = forms.CharField(label="Address, second line", required=False, max_length=200)
    postal_code = forms.CharField(required=False, max_length=20)
    city = forms.CharField(max_length=100)
    region = forms.CharField(required=False, max_length=100)
    country = forms.ChoiceField(choices=[("", "Choose a country"), *CHOICES])
    phone = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}))
    is_default = forms.BooleanField(label="Take it by default", required=False)

    @classmethod
    def initial_of(cls, address: Address) -> dict[str, Any]:
        """The values that the form begins with."""
        return {name: getattr(address, name) for name in cls.base_fields}


class NoteForm(PortalForm):
    """What to write down about a customer."""

    text = forms.CharField(label="Note", max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}))


class MergeForm(PortalForm):
    """The customer that is to become part of another one."""

    duplicate = CustomerField(max_length=254, help_text="Search by name, reference or e-mail.")


class EraseForm(PortalForm):
    """The customer's name once more, typed by hand."""

    name = forms.CharField(
        label="Type the name to go on",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
