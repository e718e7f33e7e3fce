"""Shapes of categories, products and stock."""

from typing import Any

from tenant_apps.products.models import Category, Product
from tenant_apps.products.writing import HIGHEST_PRICE, MOST_AT_ONCE
from tenants.api import fields
from tenants.api.serializers import TenantModelSerializer


class CategorySerializer(TenantModelSerializer):
    """A category. Its slug is made from its first name."""

    class Meta:
        model = Category
        fields = ("id", "name", "slug", "created_at", "updated_at")
        read_only_fields = ("slug",)


class ProductSerializer(TenantModelSerializer):
    """A product with its stock. `available` is what can still be promised: on hand less reserved."""

    available = fields.IntegerField(read_only=True)

    class Meta:
        model = Product
        fields: Any = (
            "id",
            "sku",
            "name",
            "description",
            "kind",
            "status",
            "price",
            "currency",
            "tax_class",
            "category",
            "on_hand",
            "reserved",
            "available",
            "low_stock_at",
            "created_at",
            "updated_at",
        )
        read_only_fields: Any = ("currency", "on_hand", "reserved")
        extra_kwargs = {
            "price": {"min_value": 0, "max_value": HIGHEST_PRICE},
            "low_stock_at": {"min_value": 0, "max_value": MOST_AT_ONCE},
        }


class NewProductSerializer(ProductSerializer):
    """A product to be created; goods may begin with stock."""

    opening_stock = fields.IntegerField(required=False, min_value=0, max_value=MOST_AT_ONCE, write_only=True)

    class Meta(ProductSerializer.Meta):
        fields = (*ProductSerializer.Meta.fields, "opening_stock")


class ProductChangesSerializer(ProductSerializer):
    """What of a product may change. Its kind is for life."""

    class Meta(ProductSerializer.Meta):
        read_only_fields = (*ProductSerializer.Meta.read_only_fields, "kind")
