"""API routes of domains."""

from django.urls import include, path

from shared_apps.domains.viewsets import DomainViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("domains", DomainViewSet, basename="domain")

urlpatterns = [path("", include(router.urls))]
