"""Routes of the way in and of the settings."""

from django.urls import path

from tenants.users import portal, portal_credentials, portal_team

app_name = "users"
urlpatterns = [
    path("sign-in/", portal.sign_in, name="sign_in"),
    path("sign-out/", portal.sign_out, name="sign_out"),
    path("welcome/<str:ticket>/", portal.welcome, name="welcome"),
    path("verify-email/<str:token>/", portal.confirm_email, name="verify_email"),
    path("forgot/", portal.forgot, name="password_reset"),
    path("reset/<str:token>/", portal.choose_password, name="choose_password"),
    path("theme/", portal.theme, name="theme"),
    path("invitation/<str:token>/", portal_team.accept, name="accept"),
    path("settings/team/", portal_team.team_list, name="team_list"),
    path("settings/team/new/", portal_team.team_invite, name="team_invite"),
    path("settings/team/<uuid:pk>/", portal_team.team_person, name="team_person"),
    path("settings/team/<uuid:pk>/resend/", portal_team.team_resend, name="team_resend"),
    path("settings/team/<uuid:pk>/revoke/", portal_team.team_revoke, name="team_revoke"),
    path("settings/team/<uuid:pk>/deactivate/", portal_team.team_deactivate, name="team_deactivate"),
    path("settings/team/<uuid:pk>/reactivate/", portal_team.team_reactivate, name="team_reactivate"),
    path("settings/tokens/", portal_credentials.token_list, name="token_list"),
    path("settings/tokens/new/", portal_credentials.token_new, name="token_new"),
    path("settings/tokens/<uuid:pk>/rotate/", portal_credentials.token_rotate, name="token_rotate"),
    path("settings/tokens/<uuid:pk>/revoke/", portal_credentials.token_revoke, name="token_revoke"),
    path("settings/sessions/", portal_credentials.sign_in_list, name="sign_in_list"),
    path("settings/sessions/end/", portal_credentials.sign_ins_end, name="sign_ins_end"),
    path("settings/sessions/<uuid:pk>/end/", portal_credentials.sign_in_end, name="sign_in_end"),
]
