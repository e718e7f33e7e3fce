"""Routes of the home screen and of the pages of orders and customers."""

from django.urls import include, path

from tenant_apps.orders import portal, portal_home

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
    path("orders/<uuid:pk>/discard/", portal.order_discard, name="discard"),
    path("orders/<uuid:pk>/<slug:move>/", portal.order_move, name="move"),
    path("customers/", include("tenant_apps.orders.customers.urls_portal")),
]
