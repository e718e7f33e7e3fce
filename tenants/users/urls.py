"""API routes of credentials."""

from django.urls import include, path

from tenants.api.viewsets import Router
from tenants.users.viewsets import ApiTokenViewSet, MeView, RefreshView, TokenView

router = Router()
router.register("api-tokens", ApiTokenViewSet)

urlpatterns = [
    path("auth/token/", TokenView.as_view(), name="auth-token"),
    path("auth/refresh/", RefreshView.as_view(), name="auth-refresh"),
    path("me/", MeView.as_view(), name="me"),
    path("", include(router.urls)),
]
