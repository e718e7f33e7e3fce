"""API routes of categories, products and stock."""

from django.urls import include, path

from tenant_apps.products.viewsets import CategoryViewSet, MovementViewSet, ProductViewSet, StockViewSet
from tenants.api.viewsets import Router

router = Router()
router.register("categories", CategoryViewSet)
router.register("products", ProductViewSet)
router.register("products/<uuid:product_id>/movements", MovementViewSet)
router.register("stock", StockViewSet, basename="stock")

urlpatterns = [path("", include(router.urls))]
