"""Forms of orders: the shape of the input; the services keep the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict

from tenant_apps.orders.customers.forms import CustomerField
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import LineInput
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


class OrderForm(PortalForm):
    """An order besides its lines."""

    customer = CustomerField(
        required=False, max_length=254, help_text="Search by name, reference or e-mail. May stay empty."
    )
    note = forms.CharField(required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": 2}))


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


class CancelForm(PortalForm):
    """Why an order is called off."""

    note = forms.CharField(
        label="Reason", required=False, max_length=500, help_text="It stays in the order's timeline."
    )
