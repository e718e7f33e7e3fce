"""API routes of customers and orders."""

from django.urls import include, path

from tenant_apps.orders.customers.viewsets import CustomerViewSet
from tenant_apps.orders.viewsets import OrderViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("customers", CustomerViewSet)
router.register("orders", OrderViewSet)

urlpatterns = [path("", include(router.urls))]
