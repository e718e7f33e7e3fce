"""Forms of pictures, options, variants, and of one change for many products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from tenant_apps.products.edits import MOST, Change
from tenant_apps.products.forms import AMOUNT, CategoryField
from tenant_apps.products.models import MOST_OPTIONS, Product
from tenants.forms import PortalForm
from tenants.words import LinesField, WordsField

AS_IT_IS: Final = ("", "As it is")


class ImageUploadForm(PortalForm):
    """A picture and what it shows."""

    file = forms.FileField(
        label="Picture",
        help_text="JPEG, PNG, WebP or GIF, at most 10 MB.",
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}),
        error_messages={"required": "Choose a picture first.", "empty": "The file is empty. Choose another."},
    )
    alt = forms.CharField(
        label="What it shows",
        required=False,
        max_length=250,
        help_text="Said to those who cannot see it.",
    )


class ImageForm(PortalForm):
    """What a picture shows, and the place that it goes to."""

    alt = forms.CharField(label="What it shows", required=False, max_length=250)
    position = forms.IntegerField(required=False, min_value=0)


class OptionsForm(PortalForm):
    """In what the variants of a product differ."""

    def __init__(self, *args: Any, product: Product, **kwargs: Any) -> None:
        initial: dict[str, Any] = {}
        for number, option in enumerate(product.options or [], 1):
            initial |= {f"name_{number}": option["name"], f"values_{number}": option["values"]}
        super().__init__(*args, initial=initial, **kwargs)
        for number in range(1, MOST_OPTIONS + 1):
            self.fields[f"name_{number}"] = forms.CharField(
                label=f"Option {number}",
                required=False,
                max_length=40,
                widget=forms.TextInput(attrs={"placeholder": ("Size", "Colour", "Material")[number - 1]}),
            )
            self.fields[f"values_{number}"] = LinesField(
                label=f"Values of option {number}", required=False, help_text="One on each line."
            )

    @property
    def pairs(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each option beside each other."""
        return [(self[f"name_{number}"], self[f"values_{number}"]) for number in range(1, MOST_OPTIONS + 1)]

    def clean(self) -> dict[str, Any]:
        """An option needs a name and values; one with neither is left out."""
        given = super().clean() or {}
        options = []
        for number in range(1, MOST_OPTIONS + 1):
            name, values = given.get(f"name_{number}"), given.get(f"values_{number}")
            if name and values:
                options.append({"name": name, "values": values})
            elif name or values:
                self.add_error(
                    f"values_{number}" if name else f"name_{number}",
                    "Give an option a name and at least one value, or leave both empty.",
                )
        return {"options": options}


class VariantForm(PortalForm):
    """One variant as a row of a table."""

    sku = forms.CharField(label="SKU", max_length=64)
    price = forms.DecimalField(
        max_digits=12, decimal_places=2, min_value=0, widget=forms.NumberInput(attrs=AMOUNT)
    )
    status = forms.ChoiceField(choices=Product.Status.choices)

    def __init__(self, data: QueryDict | None, variant: Product) -> None:
        initial = {name: getattr(variant, name) for name in ("sku", "price", "status")}
        super().__init__(data, prefix=str(variant.pk), initial=initial)
        self.variant = variant
        self.values = " / ".join((variant.option_values or {}).values())
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label or 'Value'} of {self.values}"


class NewVariantForm(PortalForm):
    """One variant: its values say which."""

    sku = forms.CharField(label="SKU", max_length=64)
    price = forms.DecimalField(
        required=False,
        max_digits=12,
        decimal_places=2,
        min_value=0,
        widget=forms.NumberInput(attrs=AMOUNT),
        help_text="Left empty, it is that of the product with the options.",
    )

    def __init__(self, *args: Any, product: Product, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = [option["name"] for option in product.options or []]
        for number, option in enumerate(product.options or []):
            choices = [(value, value) for value in option["values"]]
            self.fields[f"value_{number}"] = forms.ChoiceField(label=option["name"], choices=choices)
        self.order_fields([f"value_{number}" for number in range(len(self.options))])

    def clean(self) -> dict[str, Any]:
        """What the verb takes: the values by their options, a price only where one is given."""
        given = super().clean() or {}
        values = {name: given.get(f"value_{number}") for number, name in enumerate(self.options)}
        price = {"price": given["price"]} if given.get("price") is not None else {}
        return {"sku": given.get("sku"), "option_values": values, **price}


class IdsField(forms.Field):
    """Ids of rows that were chosen in a list."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        try:
            return list(dict.fromkeys(UUID(text) for text in value or []))
        except ValueError as error:
            raise ValidationError("Choose the products in the list again.") from error


class EditForm(PortalForm):
    """One change for all the products that were chosen."""

    PRICES: Final = [AS_IT_IS, ("price_percent", "By a percentage"), ("price_by", "By an amount")]

    products = IdsField()
    back = forms.CharField(required=False, max_length=2_000, widget=forms.HiddenInput)
    price = forms.ChoiceField(choices=PRICES, required=False)
    amount = forms.DecimalField(
        label="By how much",
        required=False,
        max_digits=12,
        decimal_places=2,
        widget=forms.NumberInput(attrs=AMOUNT),
        help_text="-10 makes it cheaper.",
    )
    status = forms.ChoiceField(choices=[AS_IT_IS, *Product.Status.choices], required=False)
    category = CategoryField(empty_label="As it is")
    no_category = forms.BooleanField(label="Take the category away", required=False)
    add_tags = WordsField(label="Add tags", required=False, help_text="With commas between them.")
    remove_tags = WordsField(label="Remove tags", required=False, help_text="With commas between them.")

    def clean(self) -> dict[str, Any]:
        """A way to change prices needs an amount, and an amount says nothing without a way."""
        given = super().clean() or {}
        if given.get("price") and given.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", "Say by how much.")
        if given.get("amount") is not None and not given.get("price"):
            self.add_error("price", "Choose whether the amount is a percentage.")
        return given

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # It opens over the list, whose filters have the same names.
        super().__init__(*args, auto_id="bulk_%s", **kwargs)

    @property
    def change(self) -> Change:
        """The change that the form asks for."""
        given: Mapping[str, Any] = self.cleaned_data
        prices = {given["price"]: given["amount"]} if given["price"] else {}
        return Change(
            status=given["status"] or None,
            category=given["category"],
            no_category=given["no_category"],
            add_tags=tuple(given["add_tags"]),
            remove_tags=tuple(given["remove_tags"]),
            **prices,
        )


def chosen_of(data: QueryDict) -> list[str]:
    """The ids that were ticked in a list, not more than can be changed at once."""
    return data.getlist("products")[: MOST + 1]
