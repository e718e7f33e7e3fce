"""API routes of what the API itself keeps."""

from django.urls import include, path

from tenants.api.viewsets import Router
from tenants.api.viewsets_jobs import JobViewSet
from tenants.api.viewsets_search import SearchView

router = Router()
router.register("jobs", JobViewSet)

urlpatterns = [path("search/", SearchView.as_view(), name="api-search"), path("", include(router.urls))]
