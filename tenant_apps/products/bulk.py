"""Many products, or the stock of many, in one request."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from rest_framework.exceptions import ErrorDetail, ValidationError

from tenant_apps.products.models import Product
from tenant_apps.products.serializers import NewProductSerializer
from tenant_apps.products.services import create_product, update_product
from tenant_apps.products.setting import StockItem, set_stock
from tenants.api import fields
from tenants.api.bulk import Applied, Bulk, BulkAtOnce
from tenants.api.serializers import TenantSerializer
from tenants.audit.actors import Actor
from tenants.errors import DomainError

NEEDED = ("sku", "name", "price")
FOR_LIFE = ("kind", "opening_stock")
LIMITS: Any = NewProductSerializer.Meta.extra_kwargs
OPTIONAL = {name: {**LIMITS.get(name, {}), "required": False} for name in {*LIMITS, *NEEDED}}


class BulkProductSerializer(NewProductSerializer):
    """A product to be created or, found by its id or else its SKU, to be changed in what is given."""

    id = fields.ReferenceField(queryset=Product.objects.all(), required=False)

    class Meta(NewProductSerializer.Meta):
        extra_kwargs: Any = OPTIONAL


class BulkStockSerializer(TenantSerializer):
    """The stock of one product, named by its id or its SKU, at one location or the default one: the number that was
    counted there, or the difference. The note says why."""

    product = fields.IdField(required=False)
    sku = fields.TextField(required=False, max_length=64)
    location = fields.IdField(required=False)
    counted = fields.IntegerField(required=False, min_value=0)
    delta = fields.IntegerField(required=False)
    note = fields.TextField(max_length=500)


def hold_products(items: Sequence[dict[str, Any]]) -> None:
    """Lock the products that items name, in the order in which orders lock them."""
    ids = [item["id"] for item in items if fields.CANONICAL_UUID.fullmatch(str(item.get("id")))]
    skus = [str(item["sku"]).upper() for item in items if "sku" in item]
    named = Product.objects.filter(Q(pk__in=ids) | Q(sku__in=skus)).order_by("sku")
    list(named.select_for_update(no_key=True).values_list("pk"))


def save_product(actor: Actor, values: dict[str, Any]) -> Applied:
    """Create a product, or change the one with this id or SKU."""
    product = values.pop("id", None) or _by_sku(values.get("sku", ""))
    if product is not None:
        _refuse_for_life(product, values)
        return update_product(actor=actor, product=product, **values), False
    _refuse_incomplete(values)
    return create_product(actor=actor, **values), True


def adjust_many(actor: Actor, items: Sequence[dict[str, Any]]) -> list[Applied | DomainError]:
    """Set or change what is on hand of many products."""
    done = set_stock(actor=actor, items=[StockItem(**item) for item in items])
    return [each if isinstance(each, DomainError) else (each, True) for each in done]


def _by_sku(sku: str) -> Product | None:
    return Product.objects.filter(sku=sku.upper()).first() if sku else None


def _refuse_for_life(product: Product, values: dict[str, Any]) -> None:
    for name in FOR_LIFE:
        if name in values and values.pop(name) != getattr(product, name, None):
            raise _wrong(name, "This is set when a product is created and stays: leave it out.", "read_only")


def _refuse_incomplete(values: dict[str, Any]) -> None:
    if missing := [name for name in NEEDED if name not in values]:
        detail = ErrorDetail("A new product needs this; no product has this id or SKU yet.", "required")
        raise ValidationError({name: [detail] for name in missing})


def _wrong(name: str, detail: str, code: str) -> ValidationError:
    return ValidationError({name: [ErrorDetail(detail, code)]})


PRODUCTS = Bulk("products.bulk", "products:write", BulkProductSerializer, save_product, hold_products)
STOCK = BulkAtOnce("stock.bulk", "stock:write", BulkStockSerializer, adjust_many)
