"""Portal routes of billing."""

from django.urls import path

from billing import portal, portal_whatif

app_name = "billing"

urlpatterns = [
    path("usage/", portal.usage, name="usage"),
    path("billing/what-if/", portal_whatif.what_if, name="what_if"),
]
