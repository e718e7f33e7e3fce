"""The pages on which people of a tenant see what it uses, and say how much that may cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET, require_http_methods

from billing.limits.caps import cap_of, change_spend_cap
from billing.meters import METERS
from billing.models import StripeInvoice
from billing.plans.catalogue import plan_of
from billing.pricing.periods import DAY, choices_of
from billing.usage.alerts import told_of
from billing.usage.callers import WAYS
from billing.usage.forms import SpendCapForm
from billing.usage.summaries import MeterUse, UsageSummary, summary_of
from tenants.audit.actors import actor_of
from tenants.charts import BarChart, Point, bar_chart
from tenants.formats import NOTHING
from tenants.navigation import Section, register_settings
from tenants.portal import PortalRequest, attempt, done, portal, posted, show_form
from tenants.sheets import csv_pieces
from tenants.users.permissions import can

register_settings(Section("Usage", "billing:usage", "usage:read", order=40))
INCLUDED: Final = "included"
WAY_TITLES: Final = {
    ("api_calls", "token"): "API calls by token",
    ("api_calls", "user"): "API calls by person",
    ("orders_placed", "user"): "Orders by person",
}


@portal("usage:read")
@require_GET
def usage(request: PortalRequest) -> HttpResponseBase:
    """What was used of each meter in a period, of one of them day by day, and by whom."""
    now = timezone.now()
    choices = choices_of(request.tenant.schema, now)
    chosen = next((one for one in choices if one.word == request.GET.get("period")), choices[0])
    summary = summary_of(request.tenant, now, chosen.period)
    if "csv" in request.GET:
        return _file(summary)
    meter = request.GET.get("meter", "")
    use = next((one for one in summary.meters if one.meter.key == meter), summary.meters[0])
    context = {**_page(request, summary, use), "choices": choices, "chosen": chosen}
    return render(request, "billing/usage.html", context)


@portal("billing:manage")
@require_http_methods(["GET", "POST"])
def spend_cap(request: PortalRequest) -> HttpResponse:
    """How much may be spent in a billing period."""
    cap = cap_of(request.tenant)
    form = SpendCapForm.of(cap, posted(request))
    if form.is_valid():
        changes: Any = form.cleaned_data
        verb = lambda: change_spend_cap(tenant=request.tenant, actor=actor_of(request), **changes)  # noqa: E731
        if attempt(form, verb):
            return done(request, "billing:usage", "The spend cap is saved.")
    context = {"form": form, "cap": cap, "plan": plan_of(request.tenant)}
    return show_form(request, "billing/spend_cap.html", context)


@dataclass(frozen=True)
class Bar:
    """How much of something that is allowed is used, with the words that say the same."""

    what: str
    used: int
    allowed: int

    @property
    def percent(self) -> int:
        return self.used * 100 // self.allowed

    @property
    def shown(self) -> int:
        """As far as the bar goes."""
        return min(self.percent, 100)

    @property
    def tone(self) -> str:
        """What is included may be used up: more of it costs, and nothing is wrong."""
        if self.percent < 80:
            return ""
        return "danger" if self.percent >= 100 and self.what != INCLUDED else "warning"


def bars_of(use: MeterUse, *, is_running: bool) -> list[Bar]:
    """What the plan includes of a meter and allows of it, where it says either. Limits are of the present month."""
    limits = (("limit", use.allowed.hard), ("soft limit", use.allowed.soft)) if is_running else ()
    included = [Bar(INCLUDED, use.used, use.included)] if use.included else []
    return included + [Bar(what, use.limited, allowed) for what, allowed in limits if allowed]


def _page(request: HttpRequest, summary: UsageSummary, use: MeterUse) -> dict[str, Any]:
    return {
        "summary": summary,
        "rows": _rows(request, summary),
        "use": use,
        "chart": _chart(use, summary.now),
        "days": list(reversed(use.days)),
        "callers": _callers(summary, use),
        "alerts": told_of(summary.tenant.schema, summary.period),
        "invoices": [] if summary.is_running else _invoices(request, summary),
        "file": f"?{urlencode({**_asked(request), 'csv': 1})}",
    }


def _invoices(request: HttpRequest, summary: UsageSummary) -> list[StripeInvoice]:
    """What was issued in a period, and on the day after it: there its use is charged."""
    if not can(request.user, "billing:manage"):
        return []
    period = summary.period
    issued = StripeInvoice.objects.filter(
        tenant=summary.tenant.schema, issued_at__gte=period.begin, issued_at__lt=period.end + DAY
    )
    return list(issued.exclude(status=StripeInvoice.Status.DRAFT))


def _rows(request: HttpRequest, summary: UsageSummary) -> list[tuple[MeterUse, str, list[Bar]]]:
    """Each meter with the address of its days, and its bars."""
    return [
        (
            use,
            f"?{urlencode({**_asked(request), 'meter': use.meter.key})}#by-day",
            bars_of(use, is_running=summary.is_running),
        )
        for use in summary.meters
    ]


def _asked(request: HttpRequest) -> dict[str, str]:
    """The period, where one was asked for."""
    return {"period": request.GET["period"]} if "period" in request.GET else {}


def _callers(summary: UsageSummary, use: MeterUse) -> list[tuple[str, Any]]:
    period = summary.period
    return [
        (title, WAYS[way](summary.tenant.schema, period.begin, period.end, use.used))
        for way, title in WAY_TITLES.items()
        if way[0] == use.meter.key and use.used
    ]


def _chart(use: MeterUse, now: datetime) -> BarChart:
    points = [
        Point(
            date_format(day.start, "j M"),
            Decimal(day.quantity or 0),
            NOTHING if day.quantity is None else use.meter.counted(day.quantity),
            is_partial=day.start.date() == now.date(),
        )
        for day in use.days
    ]
    per = "at the end of each day" if use.meter.is_gauge else "a day"
    return bar_chart(points, unit=f"{use.meter.unit} {per}")


def _file(summary: UsageSummary) -> StreamingHttpResponse:
    """The days of all meters as a table."""
    header = ["Day", *(f"{meter.title} ({meter.unit})" for meter in METERS.values())]
    name = f"usage-{summary.period.begin:%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        csv_pieces(header, _lines(summary)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(summary: UsageSummary) -> Iterable[list[Any]]:
    for days in zip(*(each.days for each in summary.meters), strict=True):
        yield [
            days[0].start.date().isoformat(),
            *("" if day.quantity is None else day.quantity for day in days),
        ]
