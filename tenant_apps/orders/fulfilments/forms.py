"""Forms of deliveries and returns: a quantity for each line that has something left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from tenant_apps.orders.fulfilments.services import Portion, Progress
from tenant_apps.products.models import Location
from tenants.forms import PortalForm


class PortionsForm(PortalForm):
    """How many of each line; lines that are not named take all there is."""

    room = ""
    hint = ""

    location = forms.ModelChoiceField(
        queryset=Location.objects.none(), required=False, empty_label="Wherever it was reserved"
    )

    def __init__(self, data: QueryDict | None, progress: Sequence[Progress]) -> None:
        super().__init__(data)
        places: Any = self.fields["location"]
        places.queryset = Location.objects.live()
        if places.queryset.count() < 2:
            del self.fields["location"]
        self.rows = [each for each in progress if getattr(each, self.room)]
        for each in self.rows:
            self.fields[f"line-{each.line.pk}"] = self._quantity(each)

    def _quantity(self, each: Progress) -> forms.IntegerField:
        most = getattr(each, self.room)
        return forms.IntegerField(
            label=f"{each.line.description} ({each.line.sku})",
            help_text=self.hint.format(most, each.line.quantity),
            initial=self.offered(most),
            min_value=0,
            max_value=most,
            required=False,
            widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        )

    def offered(self, most: int) -> int:
        """How many of a line the form begins with: all."""
        return most

    @property
    def quantities(self) -> list[Any]:
        """The fields of the lines, for the page."""
        return [self[f"line-{each.line.pk}"] for each in self.rows]

    @property
    def terms(self) -> dict[str, Any]:
        """What the verb takes: the portions, unless none is named, and the rest of the form."""
        given = {name: value for name, value in self.cleaned_data.items() if not name.startswith("line-")}
        counts = {each.line.pk: self.cleaned_data.get(f"line-{each.line.pk}") for each in self.rows}
        chosen = [Portion(line, count) for line, count in counts.items() if count]
        said = any(count is not None for count in counts.values())
        return {**given, "lines": chosen if said else None}


class FulfilmentForm(PortionsForm):
    """Goods that leave."""

    room = "to_send"
    hint = "{} of {} have not left yet."

    carrier = forms.CharField(required=False, max_length=60)
    tracking_number = forms.CharField(required=False, max_length=100)
    note = forms.CharField(required=False, max_length=500)


class ReturnForm(PortionsForm):
    """Goods that come back."""

    room = "outside"
    hint = "At most {} of {} can come back."

    restock = forms.BooleanField(
        label="They can be sold again",
        required=False,
        initial=True,
        help_text="Then they go back into stock.",
    )
    note = forms.CharField(
        label="Reason", required=False, max_length=500, help_text="It stays in the order's timeline."
    )

    def offered(self, most: int) -> int:
        """Nothing where there are several lines: seldom does all of an order come back."""
        return most if len(self.rows) == 1 else 0

    def __init__(self, data: QueryDict | None, progress: Sequence[Progress]) -> None:
        super().__init__(data, progress)
        if place := self.fields.get("location"):
            place.empty_label = "The default location"  # type: ignore[attr-defined]  # a choice of rows
