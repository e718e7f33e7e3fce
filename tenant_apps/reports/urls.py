"""API routes of reports."""

from django.urls import path

from tenant_apps.reports import viewsets

REPORTS = {
    "sales": (viewsets.SalesView, viewsets.SalesCsv),
    "products": (viewsets.ProductsView, viewsets.ProductsCsv),
    "customers": (viewsets.CustomersView, viewsets.CustomersCsv),
    "cohorts": (viewsets.CohortsView, viewsets.CohortsCsv),
    "stock": (viewsets.StockView, viewsets.StockCsv),
}

urlpatterns = [
    route
    for name, (plain, csv) in REPORTS.items()
    for route in (
        path(f"reports/{name}/", plain.as_view(), name=f"report-{name}"),
        path(f"reports/{name}/csv/", csv.as_view(), name=f"report-{name}-csv"),
    )
]
