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

router = Router()
router.register("api-tokens", ApiTokenViewSet)
router.register("sign-ins", SignInViewSet)

urlpatterns = [
    path("auth/token/", TokenView.as_view(), name="auth-token"),
    path("auth/refresh/", RefreshView.as_view(), name="auth-refresh"),
    path("auth/sign-out/", SignOutView.as_view(), name="auth-sign-out"),
    path("me/", MeView.as_view(), name="me"),
    path("", include(router.urls)),
]
