"""The pages of reports: a span of days, a chart where there is one, a table, and the same table as a file."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.views.decorators.http import require_GET

from tenant_apps.reports import figures, tables
from tenant_apps.reports.figures import SalesReport
from tenant_apps.reports.serializers import (
    BestQuerySerializer,
    CohortQuerySerializer,
    SalesQuerySerializer,
    SpanSerializer,
)
from tenant_apps.reports.spans import Comparison, Interval
from tenants.charts import BarChart, Point, bar_chart
from tenants.context import current_tenant
from tenants.formats import SYMBOLS, money
from tenants.navigation import Entry, register
from tenants.portal import PortalRequest, portal
from tenants.sheets import csv_pieces

register(Entry("Reports", "bars", "reports:sales", "reports:read", key="r", order=45, prefix="/reports/"))

TABS: Final = (
    ("Sales", "reports:sales"),
    ("Products", "reports:products"),
    ("Customers", "reports:customers"),
    ("Cohorts", "reports:cohorts"),
    ("Stock", "reports:stock"),
)
MOST_BARS: Final = 62


@portal("reports:read")
@require_GET
def sales(request: PortalRequest) -> HttpResponseBase:
    """Sales over time."""
    asked, mistakes = _asked(request, SalesQuerySerializer)
    interval = Interval(asked["interval"])
    compare = Comparison(asked["compare"]) if asked.get("compare") else None
    report = figures.sales_report(asked["span"], interval, compare)
    more = {"report": report, "interval": interval, "compare": compare, "chart": _chart(report)}
    return _page(
        request, "sales", asked=asked, mistakes=mistakes, table=lambda: tables.sales_table(report), more=more
    )


@portal("reports:read")
@require_GET
def products(request: PortalRequest) -> HttpResponseBase:
    """What sells best."""
    asked, mistakes = _asked(request, BestQuerySerializer)
    found = figures.top_products(asked["span"], asked["limit"])
    return _page(
        request,
        "products",
        asked=asked,
        mistakes=mistakes,
        table=lambda: tables.products_table(found),
        more={"products": found},
    )


@portal("reports:read")
@require_GET
def customers(request: PortalRequest) -> HttpResponseBase:
    """Who buys most."""
    asked, mistakes = _asked(request, BestQuerySerializer)
    found = figures.best_customers(asked["span"], asked["limit"])
    return _page(
        request,
        "customers",
        asked=asked,
        mistakes=mistakes,
        table=lambda: tables.customers_table(found),
        more={"customers": found},
    )


@portal("reports:read")
@require_GET
def cohorts(request: PortalRequest) -> HttpResponseBase:
    """Who comes back."""
    asked, mistakes = _asked(request, CohortQuerySerializer)
    found = figures.cohorts(asked["span"])
    months = range(1, max((len(cohort.later) for cohort in found), default=0))
    more = {"cohorts": found, "months": months}
    return _page(
        request,
        "cohorts",
        asked=asked,
        mistakes=mistakes,
        table=lambda: tables.cohorts_table(found),
        more=more,
    )


@portal("reports:read")
@require_GET
def stock(request: PortalRequest) -> HttpResponseBase:
    """What lies on the shelves."""
    shelves = figures.stock_value()
    more = {
        "shelves": shelves,
        "at_price": sum((shelf.at_price for shelf in shelves), figures.ZERO),
        "at_cost": sum((shelf.at_cost or figures.ZERO for shelf in shelves), figures.ZERO),
        "without_cost": sum(shelf.without_cost for shelf in shelves),
    }
    return _page(
        request, "stock", asked={}, mistakes={}, table=lambda: tables.stock_table(shelves), more=more
    )


def _asked(request: HttpRequest, shape: type[SpanSerializer]) -> tuple[dict[str, Any], Any]:
    """What the address asks for, and what is wrong with it; then the usual span is shown."""
    fields = shape().fields
    given = {name: value for name, value in request.GET.items() if name in fields and value}
    query = shape(data=given)
    if query.is_valid():
        return dict(query.validated_data), {}
    shown = shape(data={})
    shown.is_valid(raise_exception=True)
    return dict(shown.validated_data), query.errors


def _page(
    request: HttpRequest,
    name: str,
    *,
    asked: dict[str, Any],
    mistakes: Any,
    table: Callable[[], tables.Table],
    more: dict[str, Any],
) -> HttpResponseBase:
    if "csv" in request.GET:
        header, lines = table()
        disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return StreamingHttpResponse(
            csv_pieces(header, lines), content_type="text/csv; charset=utf-8", headers=disposition
        )
    tabs = [
        {"label": label, "url": reverse(route), "is_current": route == f"reports:{name}"}
        for label, route in TABS
    ]
    told = [f"{message}" for messages in mistakes.values() for message in messages]
    file = request.GET.copy()
    file["csv"] = "1"
    context = {"tabs": tabs, "span": asked.get("span"), "mistakes": told, "file": f"?{file.urlencode()}"}
    return render(request, f"reports/{name}.html", {**context, **more, "currency": current_tenant().currency})


def _chart(report: SalesReport) -> BarChart:
    """Net sales as bars; of a span with more periods than can be told apart, the latest."""
    currency = current_tenant().currency
    style = "M Y" if report.interval is Interval.MONTH else "j M"
    points = [
        Point(date_format(period.start, style), period.sales.net, money(period.sales.net, currency))
        for period in report.periods[-MOST_BARS:]
    ]
    return bar_chart(points, unit=f"{SYMBOLS.get(currency, currency)} a {report.interval}, net")
