"""Routes of the pages of webhooks."""

from django.urls import path

from tenant_apps.webhooks import portal

app_name = "webhooks"
urlpatterns = [
    path("settings/webhooks/", portal.endpoint_list, name="list"),
    path("settings/webhooks/new/", portal.endpoint_new, name="new"),
    path("settings/webhooks/deliveries/<uuid:pk>/", portal.delivery_detail, name="delivery"),
    path("settings/webhooks/deliveries/<uuid:pk>/replay/", portal.delivery_replay, name="delivery_replay"),
    path("settings/webhooks/<uuid:pk>/", portal.endpoint_detail, name="detail"),
    path("settings/webhooks/<uuid:pk>/edit/", portal.endpoint_edit, name="edit"),
    path("settings/webhooks/<uuid:pk>/secret/", portal.endpoint_secret, name="secret"),
    path("settings/webhooks/<uuid:pk>/test/", portal.endpoint_test, name="test"),
    path("settings/webhooks/<uuid:pk>/pause/", portal.endpoint_pause, name="pause"),
    path("settings/webhooks/<uuid:pk>/resume/", portal.endpoint_resume, name="resume"),
    path("settings/webhooks/<uuid:pk>/replay/", portal.endpoint_replay, name="replay"),
    path("settings/webhooks/<uuid:pk>/delete/", portal.endpoint_delete, name="delete"),
]
