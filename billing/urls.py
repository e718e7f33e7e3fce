"""API routes of billing."""

from django.urls import path

from billing import viewsets_whatif
from billing.viewsets_entitlements import EntitlementsView

urlpatterns = [
    path("billing/what-if/", viewsets_whatif.WhatIfView.as_view(), name="billing-what-if"),
    path("billing/entitlements/", EntitlementsView.as_view(), name="entitlements"),
]
