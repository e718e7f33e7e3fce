"""API routes of categories, products and stock."""

from django.urls import include, path

from tenant_apps.products.viewsets import CategoryViewSet, ImageViewSet, ProductViewSet
from tenant_apps.products.viewsets_stock import (
    CountViewSet,
    LocationViewSet,
    MovementViewSet,
    StockMovementViewSet,
    StockViewSet,
    TransferViewSet,
)
from tenants.api.viewsets import Router

router = Router()
router.register("categories", CategoryViewSet)
router.register("products", ProductViewSet)
router.register("products/<uuid:product_id>/images", ImageViewSet)
router.register("products/<uuid:product_id>/movements", MovementViewSet)
router.register("locations", LocationViewSet)
router.register("stock", StockViewSet, basename="stock")
router.register("stock/movements", StockMovementViewSet, basename="stock-movement")
router.register("stock/transfers", TransferViewSet, basename="transfer")
router.register("stock/counts", CountViewSet, basename="count")

urlpatterns = [path("", include(router.urls))]
