"""API routes of credentials."""

from django.urls import include, path

from tenants.api.viewsets import Router
from tenants.users.viewsets import (
    ApiTokenViewSet,
    MeView,
    RefreshView,
    SignInViewSet,
    SignOutView,
    TokenView,
)
from tenants.users.viewsets_team import PersonViewSet

router = Router()
router.register("api-tokens", ApiTokenViewSet)
router.register("sign-ins", SignInViewSet)
router.register("people", PersonViewSet)

urlpatterns = [
    path("auth/token/", TokenView.as_view(), name="auth-token"),
    path("auth/refresh/", RefreshView.as_view(), name="auth-refresh"),
    path("auth/sign-out/", SignOutView.as_view(), name="auth-sign-out"),
    path("me/", MeView.as_view(), name="me"),
    path("", include(router.urls)),
]
