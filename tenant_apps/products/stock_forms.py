"""Forms of stock: the shape of the input; the services keep the rules."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from tenant_apps.products.documents import DocumentLine
from tenant_apps.products.models import Category, Location, Product, StockDocument, StockMovement
from tenants.forms import PortalForm

NUMERIC = {"inputmode": "numeric"}
MOST_ARRIVALS: Final = 400


def live_location(**options: Any) -> forms.ModelChoiceField:  # type: ignore[type-arg]  # generic for the checker only
    """A field that takes a location in use."""
    return forms.ModelChoiceField(Location.objects.live(), **options)


class StockFilterForm(PortalForm):
    """What the overview can be narrowed to."""

    STOCK = [("", "Any stock"), ("low", "Low stock"), ("out", "Sold out")]

    q = forms.CharField(required=False, max_length=100)
    location = live_location(
        required=False, empty_label="All locations", widget=forms.Select(attrs={"aria-label": "Location"})
    )
    category = forms.ModelChoiceField(
        Category.objects.all(),
        required=False,
        empty_label="Any category",
        widget=forms.Select(attrs={"aria-label": "Category"}),
    )
    stock = forms.ChoiceField(
        choices=STOCK, required=False, widget=forms.Select(attrs={"aria-label": "Stock"})
    )


class MovementFilterForm(PortalForm):
    """What the ledger can be narrowed to."""

    location = forms.ModelChoiceField(
        Location.objects.all(),
        required=False,
        empty_label="All locations",
        widget=forms.Select(attrs={"aria-label": "Location"}),
    )
    reason = forms.ChoiceField(
        choices=[("", "Any reason"), *StockMovement.Reason.choices],
        required=False,
        widget=forms.Select(attrs={"aria-label": "Reason"}),
    )


class StatusFilterForm(PortalForm):
    """Which transfers or counts are shown."""

    TRANSFERS = [
        ("", "All"),
        ("draft", "Drafts"),
        ("sent", "On their way"),
        ("received", "Received"),
        ("cancelled", "Cancelled"),
    ]
    COUNTS = [("", "All"), ("open", "Open"), ("applied", "Applied"), ("cancelled", "Cancelled")]

    status = forms.ChoiceField(
        choices=[("", "All"), *StockDocument.Status.choices], required=False, widget=forms.HiddenInput
    )


class LocationForm(PortalForm):
    """A location as it is edited."""

    name = forms.CharField(max_length=120)
    address_lines = forms.CharField(
        label="Address",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="As on a parcel.",
    )

    @property
    def given(self) -> dict[str, Any]:
        """What is known of the location, as the verbs take it."""
        given = dict(self.cleaned_data)
        return given | {"address": given.pop("address_lines")}


class NewLocationForm(LocationForm):
    """A location to be added."""

    code = forms.CharField(
        max_length=16, help_text="Short, such as SHOP-2. Transfers are numbered by it; it cannot be changed."
    )

    field_order = ["name", "code", "address_lines"]


class TransferForm(PortalForm):
    """From where to where."""

    location = live_location(label="From", empty_label="Choose a location")
    destination = live_location(label="To", empty_label="Choose a location")
    note = forms.CharField(required=False, max_length=500)

    def clean(self) -> dict[str, Any]:
        """The two ends differ."""
        given = super().clean() or {}
        if given.get("location") and given.get("location") == given.get("destination"):
            self.add_error("destination", "Choose another location than the one it comes from.")
        return given


class CountForm(PortalForm):
    """Where and what is counted."""

    location = live_location(empty_label="Choose a location")
    category = forms.ModelChoiceField(
        Category.objects.all(),
        required=False,
        empty_label="Everything there",
        help_text="A long shelf is counted faster category by category.",
    )
    note = forms.CharField(required=False, max_length=500)


class ScanForm(PortalForm):
    """One product by its SKU, as a scanner types it, and how many; one more without a number."""

    product = forms.CharField(
        label="SKU",
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "data-scan": True}),
    )
    quantity = forms.IntegerField(
        label="Pieces",
        required=False,
        min_value=0,
        max_value=1_000_000,
        widget=forms.NumberInput(attrs=NUMERIC | {"placeholder": "+1"}),
    )
    found: Product
    noted: DocumentLine | None = None

    def clean_product(self) -> str:
        """SKUs are kept in capital letters."""
        sku = str(self.cleaned_data["product"]).strip().upper()
        found = Product.objects.stocked().filter(sku=sku).first()
        if found is None:
            raise forms.ValidationError(f"No goods have the SKU {sku}. Check the label, or add the product.")
        self.found = found
        return sku

    def line(self, document: StockDocument) -> DocumentLine:
        """What the document is to say of the product."""
        quantity = self.cleaned_data["quantity"]
        if quantity is None:
            there = document.lines.filter(product=self.found).first()
            already = (there.expected if document.kind == "transfer" else there.actual) if there else 0
            quantity = (already or 0) + 1
        return DocumentLine(self.found.pk, quantity)


class ArrivalForm(PortalForm):
    """What of each line of a transfer has arrived."""

    def __init__(self, *args: Any, document: StockDocument, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = document.lines.select_related("product")[:MOST_ARRIVALS]
        self.rows = [line for line in rows if line.outstanding]
        for line in self.rows:
            self.fields[f"line-{line.product_id}"] = self._field(line)
        self.fields["note"] = forms.CharField(
            required=False, max_length=500, help_text="Why something is missing, for example."
        )
        self.fields["complete"] = forms.BooleanField(
            label="Nothing more will come: what is missing is lost", required=False, initial=True
        )

    def _field(self, line: Any) -> forms.IntegerField:
        return forms.IntegerField(
            label=f"{line.product.name} ({line.product.sku}), {line.outstanding} on their way",
            min_value=0,
            max_value=line.outstanding,
            initial=line.outstanding,
            widget=forms.NumberInput(attrs=NUMERIC | {"data-next": True}),
        )

    @property
    def arrivals(self) -> list[forms.BoundField]:
        """The fields of the lines."""
        return [self[f"line-{line.product_id}"] for line in self.rows]

    @property
    def lines(self) -> list[DocumentLine]:
        """What arrived, as the verb takes it."""
        given = self.cleaned_data
        return [DocumentLine(line.product_id, given[f"line-{line.product_id}"]) for line in self.rows]
