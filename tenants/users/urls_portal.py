"""Routes of the way in and of the settings."""

from django.urls import path

from tenants.users import portal

app_name = "users"
urlpatterns = [
    path("sign-in/", portal.sign_in, name="sign_in"),
    path("sign-out/", portal.sign_out, name="sign_out"),
    path("welcome/<str:ticket>/", portal.welcome, name="welcome"),
    path("verify-email/<str:token>/", portal.confirm_email, name="verify_email"),
    path("forgot/", portal.forgot, name="password_reset"),
    path("reset/<str:token>/", portal.choose_password, name="choose_password"),
    path("theme/", portal.theme, name="theme"),
    path("settings/tokens/", portal.token_list, name="token_list"),
    path("settings/tokens/new/", portal.token_new, name="token_new"),
    path("settings/tokens/<uuid:pk>/revoke/", portal.token_revoke, name="token_revoke"),
]
