"""What exports of products and stock hold, column by column."""

from typing import Final

from django.db.models import F

from tenants.exporting import Sheet

PRODUCTS: Final = Sheet(
    "products",
    {
        "id": "id",
        "sku": "sku",
        "name": "name",
        "description": "description",
        "kind": "kind",
        "price": "price",
        "currency": "currency",
        "compare_at_price": "compare_at_price",
        "cost_price": "cost_price",
        "status": "status",
        "tax_class": "tax_class",
        "category": "category__name",
        "tags": "tags",
        "parent": "parent__sku",
        "option_values": "option_values",
        "on_hand": "on_hand",
        "reserved": "reserved",
        "available": F("on_hand") - F("reserved"),
        "low_stock_at": "low_stock_at",
        "created_at": "created_at",
        "updated_at": "updated_at",
    },
)
STOCK: Final = Sheet(
    "stock",
    {
        "id": "id",
        "sku": "sku",
        "name": "name",
        "on_hand": "on_hand",
        "reserved": "reserved",
        "available": F("on_hand") - F("reserved"),
        "low_stock_at": "low_stock_at",
        "low_since": "low_since",
    },
)
LEVELS: Final = Sheet(
    "levels",
    {
        "id": "id",
        "sku": "sku",
        "name": "name",
        "location": "levels__location__code",
        "location_name": "levels__location__name",
        "on_hand": "levels__on_hand",
        "reserved": "levels__reserved",
        "available": F("levels__on_hand") - F("levels__reserved"),
    },
    then=("levels__location__code",),
)
MOVEMENTS: Final = Sheet(
    "movements",
    {
        "id": "id",
        "at": "at",
        "product": "product_id",
        "sku": "product__sku",
        "location": "location__code",
        "reason": "reason",
        "on_hand_change": "on_hand_change",
        "reserved_change": "reserved_change",
        "note": "note",
        "source": "source",
        "actor": "actor_label",
    },
)
