"""Routes of the public host."""

from django.urls import path

from shared_apps.clients.api import SignUpView
from shared_apps.clients.views import find_workspace, landing, sign_up_page

app_name = "public"
urlpatterns = [
    path("", landing, name="landing"),
    path("sign-up/", sign_up_page, name="sign_up"),
    path("find/", find_workspace, name="find"),
    path("api/v1/signup/", SignUpView.as_view(), name="signup"),
]
