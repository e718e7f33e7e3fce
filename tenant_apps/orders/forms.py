"""Forms of orders: the shape of the input; the services keep the rules."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, cast

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from tenant_apps.orders.customers.forms import CustomerField
from tenant_apps.orders.models import Order
from tenant_apps.orders.pricing import LineInput
from tenant_apps.orders.totals import ZERO
from tenant_apps.products.models import Product
from tenants.forms import PortalForm

# Two fields a line: more would pass Django's limit of fields in one form. The API takes longer orders.
MOST_LINES: Final = 400
BLANK_LINES: Final = 3


class OrderFilterForm(PortalForm):
    """What the list of orders can be narrowed to."""

    STATUS = [
        ("", "All"),
        ("open", "Open"),
        ("draft", "Drafts"),
        ("placed", "Placed"),
        ("paid", "Paid"),
        ("fulfilled", "Fulfilled"),
        ("closed", "Closed"),
        ("cancelled", "Cancelled"),
    ]

    q = forms.CharField(required=False, max_length=100)
    kind = forms.ChoiceField(
        choices=[("", "Sales and credits"), ("sale", "Sales"), ("cancellation", "Credits")],
        required=False,
        widget=forms.Select(attrs={"aria-label": "Kind"}),
    )
    source = forms.ChoiceField(
        choices=[("", "Any source"), *Order.Source.choices],
        required=False,
        widget=forms.Select(attrs={"aria-label": "Source"}),
    )
    status = forms.ChoiceField(choices=STATUS, required=False, widget=forms.HiddenInput)
    customer = forms.UUIDField(required=False, widget=forms.HiddenInput)


def _amount(label: str) -> forms.DecimalField:
    widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"})
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_digits=11, decimal_places=2, widget=widget
    )


class TermsForm(PortalForm):
    """What an order costs besides its lines."""

    discount_kind = forms.ChoiceField(
        label="Discount", required=False, choices=[("", "None"), *Order.DiscountKind.choices]
    )
    discount_value = _amount("Amount or per cent")
    discount_reason = forms.CharField(required=False, max_length=200)
    shipping_description = forms.CharField(label="Delivery", required=False, max_length=200)
    shipping_total = _amount("Price of delivery")

    def clean_discount_value(self) -> Decimal:
        """Nothing is zero."""
        return self.cleaned_data["discount_value"] or ZERO

    def clean_shipping_total(self) -> Decimal:
        """Nothing is zero."""
        return self.cleaned_data["shipping_total"] or ZERO

    @property
    def has_terms(self) -> bool:
        """Whether there is something to be shown at once."""
        return any(self[name].value() or self.errors.get(name) for name in TermsForm.base_fields)

    @staticmethod
    def initial_of(order: Order) -> dict[str, Any]:
        """What the form begins with; nothing instead of zeros."""
        return {name: getattr(order, name) or "" for name in TermsForm.base_fields}


class NotesForm(PortalForm):
    """What of an order may change at any time."""

    note = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 2}))
    tags = forms.CharField(required=False, max_length=500, help_text="Divided by commas.")

    def clean_tags(self) -> list[str]:
        """Words between commas."""
        return [tag.strip() for tag in str(self.cleaned_data["tags"]).split(",") if tag.strip()]


class DetailsForm(NotesForm):
    """What a draft says besides its lines and amounts."""

    customer = CustomerField(
        required=False, max_length=254, help_text="Search by name, reference or e-mail. May stay empty."
    )
    field_order = ["customer", "note", "tags"]


class OrderForm(DetailsForm, TermsForm):
    """An order besides its lines."""


class LineForm(PortalForm):
    """One line: a product by its SKU, and how many."""

    product = forms.CharField(max_length=64, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    quantity = forms.IntegerField(
        min_value=1, max_value=1_000_000, widget=forms.NumberInput(attrs={"inputmode": "numeric"})
    )

    # The product that was found at cleaning, and the one to be shown beside the field.
    found: Product | None = None
    known: Product | None = None

    def clean_product(self) -> str:
        """SKUs are kept in capital letters."""
        return str(self.cleaned_data["product"]).strip().upper()

    def full_clean(self) -> None:
        """A line without a product is no line, whatever its quantity says."""
        self.empty_permitted = (
            self.is_bound and not str(self.data.get(self.add_prefix("product"), "")).strip()
        )
        super().full_clean()

    def has_changed(self) -> bool:
        return bool(str(self.data.get(self.add_prefix("product"), "")).strip())


class BaseLines(BaseFormSet):  # type: ignore[type-arg]  # generic for the type checker only
    """The lines of an order; their products are looked up together."""

    def clean(self) -> None:
        """Find each line's product."""
        filled = [form for form in self.forms if form.has_changed() and form.is_valid()]
        wanted = {form.cleaned_data["product"] for form in filled}
        products = {product.sku: product for product in Product.objects.filter(sku__in=wanted)}
        for form in filled:
            sku = form.cleaned_data["product"]
            form.found = products.get(sku)
            if form.found is None:
                form.add_error("product", f"No product has the SKU {sku}. Choose one from the suggestions.")

    @property
    def inputs(self) -> list[LineInput]:
        """The lines as the verbs take them."""
        return [
            LineInput(form.found.pk, form.cleaned_data["quantity"])
            for form in self.forms
            if form.has_changed() and form.found
        ]


Lines = cast(
    type[BaseLines],
    formset_factory(
        LineForm,
        formset=BaseLines,
        extra=BLANK_LINES,
        max_num=MOST_LINES,
        absolute_max=MOST_LINES,
        validate_max=True,
    ),
)


def with_more_lines(data: QueryDict) -> BaseLines:
    """The lines as typed with some empty ones below, for those without scripts."""
    rows = [
        {name: data.get(f"lines-{place}-{name}", "") for name in ("product", "quantity")}
        for place in range(MOST_LINES - BLANK_LINES)
    ]
    return Lines(initial=[row for row in rows if row["product"]], prefix="lines")


def initial_lines(lines: Iterable[Any]) -> list[dict[str, Any]]:
    """The lines of an order as the form begins with them."""
    return [{"product": line.sku, "quantity": line.quantity} for line in lines]


class CloseShortForm(PortalForm):
    """Why the rest of an order does not leave."""

    note = forms.CharField(
        label="Reason", required=False, max_length=500, help_text="It is added to the order's note."
    )


class CancelForm(CloseShortForm):
    """Why an order is called off."""

    restock = forms.BooleanField(label="What has left comes back into stock", required=False)
