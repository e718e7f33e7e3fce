"""API routes of billing."""

from django.urls import include, path

from billing.limits.viewsets import EntitlementsView
from billing.subscriptions import viewsets
from billing.usage.viewsets import SpendCapView, UsageSummaryView, UsageView
from billing.what_if.viewsets import WhatIfView
from tenants.api.viewsets import Router

router = Router()
router.register("billing/invoices", viewsets.StripeInvoiceViewSet, basename="billing-invoice")

ABOUT = "billing/subscription/"
ACTIONS = {
    "cancel": viewsets.CancelView,
    "change": viewsets.ChangeView,
    "checkout": viewsets.CheckoutView,
    "continue-on-free": viewsets.ContinueOnFreeView,
    "keep-plan": viewsets.KeepPlanView,
    "portal": viewsets.StripePortalView,
    "preview-change": viewsets.PreviewChangeView,
    "promotion-code": viewsets.PromotionCodeView,
    "resume": viewsets.ResumeView,
    "tax-id": viewsets.TaxIdView,
}

urlpatterns = [
    path(ABOUT, viewsets.SubscriptionView.as_view(), name="billing-subscription"),
    path("billing/next-invoice/", viewsets.NextInvoiceView.as_view(), name="billing-next-invoice"),
    *(
        path(f"{ABOUT}{name}/", view.as_view(), name=f"billing-subscription-{name}")
        for name, view in ACTIONS.items()
    ),
    path("billing/what-if/", WhatIfView.as_view(), name="billing-what-if"),
    path("billing/entitlements/", EntitlementsView.as_view(), name="entitlements"),
    path("", include(router.urls)),
    path("usage/", UsageView.as_view(), name="usage"),
    path("usage/summary/", UsageSummaryView.as_view(), name="usage-summary"),
    path("usage/spend-cap/", SpendCapView.as_view(), name="usage-spend-cap"),
]
