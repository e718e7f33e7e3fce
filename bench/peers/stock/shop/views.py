"""The stock peer's API."""

from rest_framework.viewsets import ModelViewSet

from bench.peers.stock.shop.models import Category, Product
from bench.peers.stock.shop.serializers import CategorySerializer, ProductSerializer


class CategoryViewSet(ModelViewSet[Category]):
    """Categories."""

    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    search_fields = ["name"]


class ProductViewSet(ModelViewSet[Product]):
    """Products."""

    queryset = Product.objects.select_related("category")
    serializer_class = ProductSerializer
    filterset_fields = ["sku", "status", "kind", "category"]
    search_fields = ["sku", "name", "description"]
    ordering_fields = ["created_at", "name", "price", "sku", "updated_at"]
