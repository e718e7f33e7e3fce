"""Routes of the pages of products and stock."""

from django.urls import path

from tenant_apps.products import portal

app_name = "products"
urlpatterns = [
    path("products/", portal.product_list, name="list"),
    path("products/new/", portal.product_new, name="new"),
    path("products/options/", portal.product_options, name="options"),
    path("products/categories/", portal.categories, name="categories"),
    path("products/categories/new/", portal.category_new, name="category_new"),
    path("products/categories/<uuid:pk>/", portal.category_edit, name="category_edit"),
    path("products/categories/<uuid:pk>/delete/", portal.category_delete, name="category_delete"),
    path("products/<uuid:pk>/", portal.product_detail, name="detail"),
    path("products/<uuid:pk>/edit/", portal.product_edit, name="edit"),
    path("products/<uuid:pk>/archive/", portal.product_archive, name="archive"),
    path("products/<uuid:pk>/restore/", portal.product_restore, name="restore"),
    path("products/<uuid:pk>/stock/", portal.product_ledger, name="ledger"),
    path("products/<uuid:pk>/receive/", portal.stock_receive, name="receive"),
    path("products/<uuid:pk>/adjust/", portal.stock_adjust, name="adjust"),
]
