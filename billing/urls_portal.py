"""Portal routes of billing."""

from django.urls import path

from billing import portal, portal_account, portal_changes, portal_whatif

app_name = "billing"

urlpatterns = [
    path("billing/", portal_account.home, name="home"),
    path("billing/next-invoice/", portal_account.upcoming, name="upcoming"),
    path("billing/plans/", portal_account.plans, name="plans"),
    path("billing/invoices/", portal_account.invoice_list, name="invoices"),
    path("billing/invoices/<uuid:pk>/", portal_account.invoice_detail, name="invoice"),
    path("billing/plans/<slug:plan>/", portal_changes.plan, name="plan"),
    path("billing/checkout/", portal_changes.checkout_return, name="checkout"),
    path("billing/cancel/", portal_changes.cancellation, name="cancel"),
    path("billing/resume/", portal_changes.resumption, name="resume"),
    path("billing/card/", portal_changes.card, name="card"),
    path("billing/tax-id/", portal_changes.tax_id, name="tax_id"),
    path("billing/promotion-code/", portal_changes.promotion_code, name="promotion_code"),
    path("usage/", portal.usage, name="usage"),
    path("billing/what-if/", portal_whatif.what_if, name="what_if"),
    path("usage/cap/", portal.spend_cap, name="spend_cap"),
]
