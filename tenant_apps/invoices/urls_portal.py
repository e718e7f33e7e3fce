"""Routes of the pages of documents. They belong to orders, and stand below their address."""

from django.urls import path

from tenant_apps.invoices import portal

app_name = "invoices"
urlpatterns = [
    path("orders/invoices/", portal.invoice_list, name="list"),
    path("orders/invoices/<uuid:pk>/", portal.invoice_detail, name="detail"),
    path("orders/invoices/<uuid:pk>/pdf/", portal.invoice_pdf, name="pdf"),
    path("orders/invoices/<uuid:pk>/credit/", portal.invoice_credit, name="credit"),
    path("orders/invoices/<uuid:pk>/retry/", portal.invoice_retry, name="retry"),
    path("orders/invoices/issue/<uuid:pk>/", portal.invoice_issue, name="issue"),
    path("settings/invoices/", portal.seller_edit, name="seller"),
]
