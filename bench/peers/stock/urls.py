"""Routes of the stock peer."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from bench.peers.stock.shop.views import CategoryViewSet, ProductViewSet
from bench.peers.stock.trade.views import OrderViewSet

router = DefaultRouter()
router.register("categories", CategoryViewSet)
router.register("orders", OrderViewSet)
router.register("products", ProductViewSet)

urlpatterns = [path("api/", include(router.urls))]
