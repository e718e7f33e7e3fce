"""Routes of the pages of products and stock."""

from django.urls import path

from tenant_apps.products import (
    portal,
    portal_categories,
    portal_edits,
    portal_images,
    portal_stock,
    portal_variants,
)

app_name = "products"
urlpatterns = [
    path("products/", portal.product_list, name="list"),
    path("products/new/", portal.product_new, name="new"),
    path("products/options/", portal.product_options, name="options"),
    path("products/categories/", portal_categories.categories, name="categories"),
    path("products/categories/new/", portal_categories.category_new, name="category_new"),
    path("products/categories/<uuid:below>/new/", portal_categories.category_new, name="category_below"),
    path("products/categories/<uuid:pk>/", portal_categories.category_edit, name="category_edit"),
    path("products/categories/<uuid:pk>/delete/", portal_categories.category_delete, name="category_delete"),
    path("products/edit/", portal_edits.edit, name="bulk"),
    path("products/edit/<slug:word>/undo/", portal_edits.undo, name="undo"),
    path("products/<uuid:pk>/images/", portal_images.images, name="images"),
    path("products/<uuid:pk>/images/<uuid:image_id>/", portal_images.image, name="image"),
    path(
        "products/<uuid:pk>/images/<uuid:image_id>/remove/", portal_images.image_remove, name="image_remove"
    ),
    path("products/<uuid:pk>/options/", portal_variants.options, name="product_options"),
    path("products/<uuid:pk>/variants/", portal_variants.variants, name="variants"),
    path("products/<uuid:pk>/variants/new/", portal_variants.variant_new, name="variant_new"),
    path("products/<uuid:pk>/variants/generate/", portal_variants.generate, name="generate"),
    path("products/<uuid:pk>/", portal.product_detail, name="detail"),
    path("products/<uuid:pk>/edit/", portal.product_edit, name="edit"),
    path("products/<uuid:pk>/archive/", portal.product_archive, name="archive"),
    path("products/<uuid:pk>/restore/", portal.product_restore, name="restore"),
    path("products/<uuid:pk>/stock/", portal.product_ledger, name="ledger"),
    path("products/<uuid:pk>/receive/", portal.stock_receive, name="receive"),
    path("products/<uuid:pk>/adjust/", portal.stock_adjust, name="adjust"),
    path("stock/", portal_stock.stock, name="stock"),
    path("stock/movements/", portal_stock.movements, name="movements"),
    path("stock/locations/", portal_stock.locations, name="locations"),
    path("stock/locations/new/", portal_stock.location_new, name="location_new"),
    path("stock/locations/<uuid:pk>/", portal_stock.location, name="location"),
    path("stock/locations/<uuid:pk>/edit/", portal_stock.location_edit, name="location_edit"),
    path("stock/locations/<uuid:pk>/default/", portal_stock.location_default, name="location_default"),
    path("stock/locations/<uuid:pk>/archive/", portal_stock.location_archive, name="location_archive"),
    path("stock/transfers/", portal_stock.transfers, name="transfers"),
    path("stock/transfers/new/", portal_stock.transfer_new, name="transfer_new"),
    path("stock/transfers/<uuid:pk>/", portal_stock.transfer, name="transfer"),
    path("stock/transfers/<uuid:pk>/lines/", portal_stock.transfer_scan, name="transfer_scan"),
    path("stock/transfers/<uuid:pk>/receive/", portal_stock.transfer_receive, name="transfer_receive"),
    path("stock/transfers/<uuid:pk>/<slug:move>/", portal_stock.transfer_move, name="transfer_move"),
    path("stock/counts/", portal_stock.counts, name="counts"),
    path("stock/counts/new/", portal_stock.count_new, name="count_new"),
    path("stock/counts/<uuid:pk>/", portal_stock.count, name="count"),
    path("stock/counts/<uuid:pk>/lines/", portal_stock.count_scan, name="count_scan"),
    path("stock/counts/<uuid:pk>/<slug:move>/", portal_stock.count_move, name="count_move"),
]
