"""Forms of imports: the file, and which of its columns means what."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from tenant_apps.imports.columns import FIELDS_OF
from tenant_apps.imports.models import Import
from tenants.forms import PortalForm

DATE_ORDERS: Final = (
    ("ymd", "2026-03-04: year, month, day"),
    ("dmy", "04/03/2026: day first"),
    ("mdy", "03/04/2026: month first"),
)
SEPARATORS: Final = ((".", "2.55: a point"), (",", "2,55: a comma"))
OPTIONS: Final = ("date_order", "decimal_separator", "time_zone", "currency")


class UploadForm(PortalForm):
    """A file of order lines, products or customers."""

    kind = forms.ChoiceField(
        label="What is in the file?", choices=Import.Kind.choices, initial=Import.Kind.ORDER_LINES
    )
    file = forms.FileField(
        label="CSV or XLSX file",
        help_text="With a header row. CSV in UTF-8 or Windows-1252; comma, semicolon or tab.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv,text/plain"}),
        error_messages={
            "required": "Choose a file first.",
            "empty": "The file is empty. Export the order lines again, with a header row.",
        },
    )


class MappingForm(PortalForm):
    """Which column feeds which field, and how dates and prices are written."""

    date_order = forms.ChoiceField(
        label="Dates", choices=[("", "Choose how dates are written"), *DATE_ORDERS], required=False
    )
    decimal_separator = forms.ChoiceField(label="Prices", choices=SEPARATORS)
    time_zone = forms.CharField(label="Time zone of the dates", max_length=64)
    currency = forms.CharField(max_length=3, min_length=3)

    def __init__(self, data: Any, *, job: Import) -> None:
        self.job = job
        self._specs = FIELDS_OF[job.kind]
        initial = {name: job.options.get(name, "") for name in OPTIONS} | job.mapping
        super().__init__(data, initial=initial)
        # Products and customers have no dates, and customers no prices either.
        left_out = (
            OPTIONS if job.is_of_customers else ("date_order", "time_zone") if job.is_of_records else ()
        )
        for name in left_out:
            del self.fields[name]
        columns = [("", "Not in the file"), *((column, column) for column in job.columns if column)]
        for spec in self._specs:
            self.fields[spec.name] = forms.ChoiceField(
                label=spec.label, choices=columns, required=spec.required
            )
            self.fields[spec.name].error_messages["required"] = "Choose the column that holds it."

    def clean_currency(self) -> str:
        """Currencies are written in capital letters."""
        return str(self.cleaned_data["currency"]).upper()

    @property
    def columns(self) -> list[forms.BoundField]:
        """The fields that choose a column."""
        return [self[spec.name] for spec in self._specs]

    @property
    def mapping(self) -> dict[str, str]:
        """Column by field, as the verb takes it."""
        return {spec.name: self.cleaned_data.get(spec.name, "") for spec in self._specs}

    @property
    def options(self) -> dict[str, str]:
        """The options that differ from what was told by the sample before."""
        given = {name: self.cleaned_data.get(name, "") for name in OPTIONS}
        return {name: value for name, value in given.items() if value and value != self.job.options.get(name)}
