"""Forms of products, categories and stock: the shape of the input; the services keep the rules."""

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.forms.models import ModelChoiceIterator

from tenant_apps.products.models import Category, Location, Product
from tenant_apps.products.tree import Shelf, shelves_of
from tenant_apps.products.variants import INHERITED
from tenants.forms import PortalForm
from tenants.words import PairsField, WordsField

NUMERIC = {"inputmode": "numeric"}
AMOUNT = {"step": "0.01"}


class ShelvesIterator(ModelChoiceIterator):  # type: ignore[type-arg]  # generic for the type checker only
    """The choices of a category, each with the way that leads to it, read at once."""

    def __iter__(self) -> Iterator[tuple[Any, str]]:
        if self.field.empty_label is not None:
            yield "", str(self.field.empty_label)
        for shelf in cast(CategoryField, self.field).shelves():
            yield self.choice(shelf.category)[0], shelf.path


class CategoryField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic for the type checker only
    """One of the categories, in the order of their tree; those below `outside` cannot be chosen."""

    iterator = ShelvesIterator
    outside: Category | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(Category.objects.all(), **{"required": False, **options})

    def shelves(self) -> list[Shelf]:
        """The categories that may be chosen."""
        out = self.outside.pk if self.outside else None
        return [
            shelf
            for shelf in shelves_of(Category.objects.all())
            if out not in (shelf.category.pk, *shelf.category.ancestors)
        ]


class ProductFilterForm(PortalForm):
    """What the list can be narrowed to."""

    STOCK = [("", "Any stock"), ("low", "Low stock"), ("out", "Sold out")]
    STATUS = [("live", "All"), ("active", "Active"), ("draft", "Draft"), ("archived", "Archived")]

    q = forms.CharField(required=False, max_length=100)
    category = CategoryField(
        empty_label="Any category", widget=forms.Select(attrs={"aria-label": "Category"})
    )
    stock = forms.ChoiceField(
        choices=STOCK, required=False, widget=forms.Select(attrs={"aria-label": "Stock"})
    )
    tag = forms.CharField(
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"aria-label": "Tag", "placeholder": "Tag", "autocomplete": "off"}),
    )
    status = forms.ChoiceField(choices=STATUS, required=False, widget=forms.HiddenInput)


class ProductForm(PortalForm):
    """A product as it is edited."""

    name = forms.CharField(max_length=200)
    sku = forms.CharField(
        label="SKU", max_length=64, help_text="Your own code for it; kept in capital letters."
    )
    price = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, widget=forms.NumberInput(attrs=AMOUNT)
    )
    compare_at_price = forms.DecimalField(
        label="Compare-at price",
        required=False,
        max_digits=12,
        decimal_places=2,
        min_value=0,
        widget=forms.NumberInput(attrs=AMOUNT),
        help_text="A former price, shown struck through.",
    )
    cost_price = forms.DecimalField(
        label="Cost price",
        required=False,
        max_digits=12,
        decimal_places=2,
        min_value=0,
        widget=forms.NumberInput(attrs=AMOUNT),
        help_text="What you pay for it; buyers do not see it.",
    )
    tax_class = forms.ChoiceField(label="Tax class", choices=Product.TaxClass.choices)
    category = CategoryField(empty_label="None")
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

    tags = WordsField(required=False, help_text="Words to group products by, with commas between them.")
    metadata = PairsField(
        required=False,
        help_text="For programs that you connect: a name and a text on each line, such as erp: 4711.",
    )

    field_order = ["name", "sku", "kind", "price", "category", "status", "description", "opening_stock"]

    @classmethod
    def initial_of(cls, product: Product) -> dict[str, Any]:
        """The values that the form begins with; what a variant has of its parent is left empty."""
        names = {name for name in cls.base_fields if hasattr(product, name)} - {*product.inherits}
        return {name: getattr(product, name) for name in names}

    def allow_inherited(self, product: Product) -> None:
        """Let a variant leave empty what its parent says."""
        self.fields["name"].required = False
        for name in INHERITED:
            self.fields[name].help_text = "Left empty, it is that of the product with the options."
            self.fields[name].widget.attrs["placeholder"] = str(getattr(product, name) or "")
        cast(CategoryField, self.fields["category"]).empty_label = "That of the product with the options"

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
    """A category's name, and the one that it stands below."""

    name = forms.CharField(max_length=120)
    parent = CategoryField(label="Stands below", empty_label="None: it is at the root")

    def __init__(self, *args: Any, category: Category | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(CategoryField, self.fields["parent"]).outside = category


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
