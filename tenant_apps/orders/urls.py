"""API routes of customers and orders."""

from django.urls import include, path

from tenant_apps.orders.customers.viewsets import AddressViewSet, CustomerViewSet, NoteViewSet
from tenant_apps.orders.fulfilments.viewsets import FulfilmentViewSet
from tenant_apps.orders.payments.viewsets import PaymentViewSet
from tenant_apps.orders.taxes.viewsets import TaxRuleViewSet, TaxSettingsView
from tenant_apps.orders.viewsets import OrderViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("customers", CustomerViewSet)
router.register("customers/<uuid:customer_id>/addresses", AddressViewSet)
router.register("customers/<uuid:customer_id>/notes", NoteViewSet)
router.register("orders", OrderViewSet)
router.register("payments", PaymentViewSet)
router.register("fulfilments", FulfilmentViewSet)
router.register("tax-rules", TaxRuleViewSet)

urlpatterns = [
    path("tax-settings/", TaxSettingsView.as_view(), name="tax-settings"),
    path("", include(router.urls)),
]
