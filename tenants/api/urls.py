"""API routes of what the API itself keeps."""

from django.urls import include, path

from tenants.api.viewsets import Router
from tenants.api.viewsets_jobs import JobViewSet

router = Router()
router.register("jobs", JobViewSet)

urlpatterns = [path("", include(router.urls))]
