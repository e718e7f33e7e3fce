"""API routes of webhooks."""

from django.urls import include, path

from tenant_apps.webhooks.viewsets import DeliveryViewSet, EndpointViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("webhook-endpoints", EndpointViewSet)
router.register("webhook-deliveries", DeliveryViewSet)

urlpatterns = [path("", include(router.urls))]
