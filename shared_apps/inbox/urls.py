"""Routes of the public host."""

from django.urls import path

from shared_apps.inbox.views import webhooks

app_name = "inbox"
urlpatterns = [path("stripe/webhooks/", webhooks, name="webhooks")]
