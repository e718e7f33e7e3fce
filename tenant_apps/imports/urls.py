"""API routes of imports."""

from django.urls import include, path

from tenant_apps.imports.viewsets import ImportViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("imports", ImportViewSet)

urlpatterns = [path("", include(router.urls))]
