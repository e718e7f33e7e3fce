"""The API of reports: each as JSON, and as CSV under `csv/`."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenant_apps.reports import figures, serializers, tables
from tenant_apps.reports.spans import Comparison, Interval
from tenants.api.renderers import CSVRenderer, JSONRenderer
from tenants.api.viewsets import TenantView
from tenants.context import current_tenant
from tenants.sheets import csv_pieces

CSV_ANSWER = {(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "The report as a table.")}


class ReportView(TenantView):
    """One report. `read` computes it from the query, `part` is its place in the answer, `table` makes lines of it."""

    resource = "reports"
    part: ClassVar[str] = ""
    read: ClassVar[Callable[..., Any]]
    table: ClassVar[Callable[..., tables.Table]]

    def report(self) -> Any:
        """The report that the query asks for."""
        return type(self).read(**self.query())

    def get(self, request: Request) -> Response:
        """The report as JSON."""
        found, tenant = self.report(), current_tenant()
        about = {"currency": tenant.currency, "time_zone": tenant.time_zone}
        told = {"span": self.query().get("span"), self.part: found} if self.part else vars(found)
        trend = {} if self.part else {"trend": found.trend}
        return self.answer(SimpleNamespace(**about, **told, **trend))

    def csv(self) -> StreamingHttpResponse:
        """The report as a file."""
        header, lines = type(self).table(self.report())
        name = self.request.path.rstrip("/").split("/")[-2]
        return StreamingHttpResponse(
            csv_pieces(header, lines),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )


class SalesView(ReportView):
    """Sales over time, with what they are compared with."""

    query_class = serializers.SalesQuerySerializer
    output_class = serializers.SalesReportShape
    table = staticmethod(tables.sales_table)

    @staticmethod
    def read(*, span: Any, interval: str, compare: str | None = None) -> figures.SalesReport:
        comparison = Comparison(compare) if compare else None
        return figures.sales_report(span, Interval(interval), comparison)


class ProductsView(ReportView):
    """Products by what they sold, credits deducted."""

    query_class = serializers.BestQuerySerializer
    output_class = serializers.ProductReportShape
    part = "products"
    read = staticmethod(figures.top_products)
    table = staticmethod(tables.products_table)


class CustomersView(ReportView):
    """Customers by what they spent, credits and refunds deducted."""

    query_class = serializers.BestQuerySerializer
    output_class = serializers.CustomerReportShape
    part = "customers"
    read = staticmethod(figures.best_customers)
    table = staticmethod(tables.customers_table)


class CohortsView(ReportView):
    """Customers by the month of their first order, and how many came back in each month since."""

    query_class = serializers.CohortQuerySerializer
    output_class = serializers.CohortReportShape
    part = "cohorts"
    read = staticmethod(figures.cohorts)
    table = staticmethod(tables.cohorts_table)


class StockView(ReportView):
    """The value of the stock by category, at selling prices and at cost."""

    output_class = serializers.StockReportShape
    part = "categories"
    read = staticmethod(figures.stock_value)
    table = staticmethod(tables.stock_table)


class AsCsv(ReportView):
    """The same report as a file for spreadsheets."""

    renderer_classes = [CSVRenderer, JSONRenderer]

    @extend_schema(responses=CSV_ANSWER)
    def get(self, request: Request) -> Any:
        """The report as CSV; cells that a spreadsheet would run as a formula are escaped."""
        return self.csv()


class SalesCsv(AsCsv, SalesView): ...


class ProductsCsv(AsCsv, ProductsView): ...


class CustomersCsv(AsCsv, CustomersView): ...


class CohortsCsv(AsCsv, CohortsView): ...


class StockCsv(AsCsv, StockView): ...
