"""API routes of documents."""

from django.urls import include, path

from tenant_apps.invoices.viewsets import InvoiceViewSet, OrderInvoiceView, SellerView
from tenants.api.viewsets import Router

router = Router()
router.register("invoices", InvoiceViewSet)

urlpatterns = [
    path("orders/<uuid:order_id>/invoices/", OrderInvoiceView.as_view(), name="order-invoices"),
    path("seller/", SellerView.as_view(), name="seller"),
    path("", include(router.urls)),
]
