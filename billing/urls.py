"""API routes of billing."""

from django.urls import path

from billing import viewsets_whatif

urlpatterns = [
    path("billing/what-if/", viewsets_whatif.WhatIfView.as_view(), name="billing-what-if"),
]
