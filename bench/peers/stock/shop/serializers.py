"""Shapes of the stock peer's API: the fields that our product list shows."""

from rest_framework import serializers

from bench.peers.stock.shop.models import Category, Product


class CategorySerializer(serializers.ModelSerializer[Category]):
    """A category."""

    class Meta:
        model = Category
        fields = ["id", "name", "slug", "parent", "ancestors", "created_at", "updated_at"]


class ProductSerializer(serializers.ModelSerializer[Product]):
    """A product with its category."""

    category = CategorySerializer(read_only=True)
    available = serializers.IntegerField(read_only=True)

    class Meta:
        model = Product
        fields = [
            "id",
            "sku",
            "name",
            "description",
            "kind",
            "status",
            "price",
            "compare_at_price",
            "cost_price",
            "currency",
            "tax_class",
            "category",
            "tags",
            "metadata",
            "parent",
            "options",
            "option_values",
            "inherits",
            "on_hand",
            "reserved",
            "available",
            "low_stock_at",
            "created_at",
            "updated_at",
        ]
