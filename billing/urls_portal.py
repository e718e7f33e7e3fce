"""Portal routes of billing."""

from django.urls import path

from billing.subscriptions import portal, portal_changes
from billing.usage.portal import spend_cap, usage
from billing.what_if.portal import what_if

app_name = "billing"

urlpatterns = [
    path("billing/", portal.home, name="home"),
    path("billing/next-invoice/", portal.upcoming, name="upcoming"),
    path("billing/plans/", portal.plans, name="plans"),
    path("billing/invoices/", portal.invoice_list, name="invoices"),
    path("billing/invoices/<uuid:pk>/", portal.invoice_detail, name="invoice"),
    path("billing/plans/<slug:plan>/", portal_changes.plan, name="plan"),
    path("billing/checkout/", portal_changes.checkout_return, name="checkout"),
    path("billing/cancel/", portal_changes.cancellation, name="cancel"),
    path("billing/resume/", portal_changes.resumption, name="resume"),
    path("billing/card/", portal_changes.card, name="card"),
    path("billing/tax-id/", portal_changes.tax_id, name="tax_id"),
    path("billing/promotion-code/", portal_changes.promotion_code, name="promotion_code"),
    path("usage/", usage, name="usage"),
    path("billing/what-if/", what_if, name="what_if"),
    path("usage/cap/", spend_cap, name="spend_cap"),
]
