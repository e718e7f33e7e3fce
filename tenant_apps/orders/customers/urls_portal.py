"""Routes of the pages of customers, within the namespace of orders."""

from django.urls import path

from tenant_apps.orders.customers import portal, portal_parts

urlpatterns = [
    path("", portal.customer_list, name="customers"),
    path("new/", portal.customer_new, name="customer_new"),
    path("options/", portal.customer_options, name="customer_options"),
    path("<uuid:pk>/", portal.customer_detail, name="customer"),
    path("<uuid:pk>/edit/", portal.customer_edit, name="customer_edit"),
    path("<uuid:pk>/merge/", portal_parts.customer_merge, name="customer_merge"),
    path("<uuid:pk>/erase/", portal_parts.customer_erase, name="customer_erase"),
    path("<uuid:pk>/addresses/new/", portal_parts.address_new, name="address_new"),
    path("addresses/<uuid:pk>/", portal_parts.address_edit, name="address_edit"),
    path("addresses/<uuid:pk>/remove/", portal_parts.address_remove, name="address_remove"),
    path("<uuid:pk>/notes/new/", portal_parts.note_new, name="note_new"),
    path("notes/<uuid:pk>/remove/", portal_parts.note_remove, name="note_remove"),
]
