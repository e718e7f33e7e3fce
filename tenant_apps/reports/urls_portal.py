"""Portal routes of reports."""

from django.urls import path

from tenant_apps.reports import portal

app_name = "reports"

urlpatterns = [
    path("reports/", portal.sales, name="sales"),
    path("reports/products/", portal.products, name="products"),
    path("reports/customers/", portal.customers, name="customers"),
    path("reports/cohorts/", portal.cohorts, name="cohorts"),
    path("reports/stock/", portal.stock, name="stock"),
]
