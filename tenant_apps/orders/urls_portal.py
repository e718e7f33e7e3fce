"""Routes of the home screen and of the pages of orders and customers."""

from django.urls import include, path

from tenant_apps.orders import portal, portal_home
from tenant_apps.orders.fulfilments import portal as fulfilments
from tenant_apps.orders.payments import portal as payments
from tenant_apps.orders.taxes import portal as taxes

app_name = "orders"
urlpatterns = [
    path("", portal_home.home, name="home"),
    path("search/", portal_home.search, name="search"),
    path("orders/", portal.order_list, name="list"),
    path("orders/new/", portal.order_new, name="new"),
    path("orders/<uuid:pk>/", portal.order_detail, name="detail"),
    path("orders/<uuid:pk>/edit/", portal.order_edit, name="edit"),
    path("orders/<uuid:pk>/details/", portal.order_details, name="details"),
    path("orders/<uuid:pk>/cancel/", portal.order_cancel, name="cancel"),
    path("orders/<uuid:pk>/close-short/", portal.order_close_short, name="close_short"),
    path("orders/<uuid:pk>/discard/", portal.order_discard, name="discard"),
    path("orders/<uuid:pk>/pay/", payments.order_pay, name="pay"),
    path("orders/<uuid:pk>/refund/", payments.order_refund, name="refund"),
    path(
        "orders/<uuid:pk>/payments/<uuid:payment_pk>/<slug:outcome>/", payments.payment_settle, name="settle"
    ),
    path("orders/<uuid:pk>/fulfil/", fulfilments.order_fulfil, name="fulfil"),
    path("orders/<uuid:pk>/return/", fulfilments.order_return, name="return"),
    path("orders/<uuid:pk>/packing-slip/", fulfilments.packing_slip, name="packing_slip"),
    path("settings/taxes/", taxes.taxes, name="taxes"),
    path("settings/taxes/new/", taxes.tax_rule_new, name="tax_rule_new"),
    path("settings/taxes/<uuid:pk>/", taxes.tax_rule_edit, name="tax_rule"),
    path("orders/<uuid:pk>/<slug:move>/", portal.order_move, name="move"),
    path("customers/", include("tenant_apps.orders.customers.urls_portal")),
]
