"""Routes of the pages of customers, within the namespace of orders."""

from django.urls import path

from tenant_apps.orders.customers import portal

urlpatterns = [
    path("", portal.customer_list, name="customers"),
    path("new/", portal.customer_new, name="customer_new"),
    path("options/", portal.customer_options, name="customer_options"),
    path("<uuid:pk>/", portal.customer_detail, name="customer"),
    path("<uuid:pk>/edit/", portal.customer_edit, name="customer_edit"),
]
