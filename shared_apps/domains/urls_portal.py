"""Routes of the settings page of domains."""

from django.urls import path

from shared_apps.domains import portal

app_name = "domains"
urlpatterns = [
    path("settings/domains/", portal.domain_list, name="list"),
    path("settings/domains/new/", portal.domain_new, name="new"),
    path("settings/domains/<uuid:pk>/", portal.domain_detail, name="detail"),
    path("settings/domains/<uuid:pk>/check/", portal.domain_check, name="check"),
    path("settings/domains/<uuid:pk>/primary/", portal.domain_primary, name="primary"),
    path("settings/domains/<uuid:pk>/step-down/", portal.domain_step_down, name="step_down"),
    path("settings/domains/<uuid:pk>/release/", portal.domain_release, name="release"),
]
