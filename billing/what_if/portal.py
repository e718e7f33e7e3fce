"""The what-if calculator of the portal."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.meters import METERS, Meter
from billing.what_if.history import Comparison, compare
from billing.what_if.quotes import Month, Quote
from billing.what_if.serializers import MOST
from tenants.forms import PortalForm
from tenants.navigation import Command, register_command
from tenants.portal import PortalRequest, portal

register_command(Command("Compare plans", "billing:what_if", "billing:manage", order=110))


def _volume(meter: Meter) -> forms.DecimalField:
    field = forms.DecimalField(
        label=meter.title,
        min_value=Decimal(0),
        max_value=MOST,
        decimal_places=2,
        error_messages={"invalid": "Give a number such as 2 or 0.5."},
    )
    field.widget.attrs |= {"step": "0.01", "inputmode": "decimal"}
    return field


# For each meter how many times as much shall be used.
VolumesForm: Final = type(
    "VolumesForm", (PortalForm,), {meter.key: _volume(meter) for meter in METERS.values()}
)


@portal("billing:manage")
@require_GET
def what_if(request: PortalRequest) -> HttpResponse:
    """Each plan's price for the last twelve months, as they were or with other volumes."""
    form = VolumesForm({meter: request.GET.get(meter) or "1" for meter in METERS})
    form.is_valid()
    found = compare(request.tenant, form.cleaned_data)
    plans = [_row(found, quote) for quote in found.quotes]
    used = [
        (month, [(meter, month.used.get(key, 0)) for key, meter in METERS.items()]) for month in found.months
    ]
    shown = {"found": found, "plans": plans, "priced": _by_month(found, plans)}
    return render(
        request, "billing/what_if.html", {"form": form, "meters": METERS.values(), "used": used, **shown}
    )


def _row(found: Comparison, quote: Quote) -> dict[str, Any]:
    return {
        "version": quote.version,
        "label": f"{quote.version.name} v{quote.version.number}",
        "total": quote.total,
        "average": quote.total / len(found.months),
        "excess": quote.excesses[0] if quote.excesses else None,
        "is_own": quote.version == found.own,
        "is_cheapest": quote is found.cheapest,
    }


def _by_month(found: Comparison, plans: list[dict[str, Any]]) -> list[tuple[Month, list[Any]]]:
    """Each month with each plan's amount for it."""
    amounts = zip(*([bill.total for bill in quote.bills] for quote in found.quotes), strict=True)
    return [
        (month, list(zip(plans, row, strict=True))) for month, row in zip(found.months, amounts, strict=True)
    ]
