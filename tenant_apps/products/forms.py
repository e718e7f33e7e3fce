"""Forms of products, categories and stock: the shape of the input; the services keep the rules."""

from typing import Any, cast

from django import forms

from tenant_apps.products.models import Category, Location, Product
from tenants.forms import PortalForm

NUMERIC = {"inputmode": "numeric"}


class ProductFilterForm(PortalForm):
    """What the list can be narrowed to."""

    STOCK = [("", "Any stock"), ("low", "Low stock"), ("out", "Sold out")]
    STATUS = [("live", "All"), ("active", "Active"), ("draft", "Draft"), ("archived", "Archived")]

    q = forms.CharField(required=False, max_length=100)
    category = forms.ModelChoiceField(
        Category.objects.all(),
        required=False,
        empty_label="Any category",
        widget=forms.Select(attrs={"aria-label": "Category"}),
    )
    stock = forms.ChoiceField(
        choices=STOCK, required=False, widget=forms.Select(attrs={"aria-label": "Stock"})
    )
    status = forms.ChoiceField(choices=STATUS, required=False, widget=forms.HiddenInput)


class ProductForm(PortalForm):
    """A product as it is edited."""

    name = forms.CharField(max_length=200)
    sku = forms.CharField(
        label="SKU", max_length=64, help_text="Your own code for it; kept in capital letters."
    )
    price = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, widget=forms.NumberInput(attrs={"step": "0.01"})
    )
    category = forms.ModelChoiceField(Category.objects.all(), required=False, empty_label="None")
    status = forms.ChoiceField(
        choices=[("active", "Active: can be ordered"), ("draft", "Draft: not for sale yet")],
        help_text="Archive a product from its own page.",
    )
    description = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}))
    low_stock_at = forms.IntegerField(
        label="Warn when available stock falls to",
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs=NUMERIC),
    )

    field_order = ["name", "sku", "kind", "price", "category", "status", "description", "opening_stock"]

    @classmethod
    def initial_of(cls, product: Product) -> dict[str, Any]:
        """The values that the form begins with."""
        names = ("name", "sku", "price", "category", "status", "description", "low_stock_at")
        return {name: getattr(product, name) for name in names}

    def allow_archived(self) -> None:
        """Let an archived product stay archived while the rest of it is edited."""
        field = cast(forms.ChoiceField, self.fields["status"])
        field.choices = [*Product.Status.choices]


class NewProductForm(ProductForm):
    """What only a new product can be told: its kind and the stock it begins with."""

    kind = forms.ChoiceField(
        choices=[("goods", "Goods: with stock"), ("service", "Service: without stock")],
        help_text="Cannot be changed later.",
    )
    opening_stock = forms.IntegerField(
        label="Stock on hand now", required=False, min_value=0, widget=forms.NumberInput(attrs=NUMERIC)
    )

    def clean(self) -> dict[str, Any]:
        """A service has no stock, so figures about stock are taken for a mistake."""
        chosen = super().clean() or {}
        if chosen.get("kind") == Product.Kind.SERVICE:
            for name in ("opening_stock", "low_stock_at"):
                if chosen.get(name) is not None:
                    self.add_error(name, "A service has no stock. Leave this empty, or choose goods.")
        return chosen


class CategoryForm(PortalForm):
    """A category's name."""

    name = forms.CharField(max_length=120)


class PlacedForm(PortalForm):
    """A form that asks for the location, where there are several; left out, it is the default one."""

    location = forms.ModelChoiceField(Location.objects.live(), required=False, empty_label=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = list(Location.objects.live())
        if len(places) == 1:
            del self.fields["location"]
        else:
            self.initial.setdefault("location", next(place for place in places if place.is_default))


class ReceiveForm(PlacedForm):
    """Goods that arrived."""

    quantity = forms.IntegerField(
        min_value=1, max_value=1_000_000, widget=forms.NumberInput(attrs=NUMERIC | {"autofocus": True})
    )
    note = forms.CharField(
        required=False, max_length=500, help_text="For example the delivery note's number."
    )


class AdjustForm(PlacedForm):
    """A count that differs from the books."""

    counted = forms.IntegerField(
        label="Counted on the shelf",
        min_value=0,
        max_value=2_000_000_000,
        widget=forms.NumberInput(attrs=NUMERIC | {"autofocus": True}),
    )
    note = forms.CharField(label="Reason", max_length=500, help_text="It stays in the ledger.")
