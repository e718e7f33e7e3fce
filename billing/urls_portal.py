"""Portal routes of billing."""

from django.urls import path

from billing import portal

app_name = "billing"

urlpatterns = [
    path("usage/", portal.usage, name="usage"),
]
