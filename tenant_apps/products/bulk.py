"""Many products, or many counts of stock, in one request."""

from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from tenant_apps.products.models import Product
from tenant_apps.products.serializers import NewProductSerializer
from tenant_apps.products.services import adjust_stock, create_product, update_product
from tenant_apps.products.stock_models import Location
from tenant_apps.products.writing import MOST_AT_ONCE
from tenants.api import fields
from tenants.api.bulk import Applied, Bulk
from tenants.api.serializers import TenantSerializer
from tenants.audit.actors import Actor

NEEDED = ("sku", "name", "price")
FOR_LIFE = ("kind", "opening_stock")
LIMITS: Any = NewProductSerializer.Meta.extra_kwargs
OPTIONAL = {name: {**LIMITS.get(name, {}), "required": False} for name in {*LIMITS, *NEEDED}}


class BulkProductSerializer(NewProductSerializer):
    """A product to be created or, found by its id or else its SKU, to be changed in what is given."""

    id = fields.ReferenceField(queryset=Product.objects.all(), required=False)

    class Meta(NewProductSerializer.Meta):
        extra_kwargs: Any = OPTIONAL


class BulkCountSerializer(TenantSerializer):
    """What was counted of one product, named by its id or its SKU, at one location or the default one."""

    product = fields.ReferenceField(queryset=Product.objects.all(), required=False)
    sku = fields.TextField(required=False, max_length=64)
    location = fields.ReferenceField(queryset=Location.objects.all(), required=False)
    counted = fields.IntegerField(min_value=0, max_value=MOST_AT_ONCE)
    note = fields.TextField(max_length=500)


def save_product(actor: Actor, values: dict[str, Any]) -> Applied:
    """Create a product, or change the one with this id or SKU."""
    product = values.pop("id", None) or _by_sku(values.get("sku", ""))
    if product is not None:
        _refuse_for_life(product, values)
        return update_product(actor=actor, product=product, **values), False
    _refuse_incomplete(values)
    return create_product(actor=actor, **values), True


def set_stock(actor: Actor, values: dict[str, Any]) -> Applied:
    """Set what is on hand of a product to what was counted."""
    product, sku = values.pop("product", None), values.pop("sku", "")
    if (product is None) == (not sku):
        raise _wrong("product", "Name the product either by its id or by its SKU.", "ambiguous")
    if product is None and (product := _by_sku(sku)) is None:
        raise _wrong("sku", "No product with this SKU exists here.", "does_not_exist")
    return adjust_stock(actor=actor, product=product, **values), True


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


PRODUCTS = Bulk("products.bulk", "products:write", BulkProductSerializer, save_product)
STOCK = Bulk("stock.bulk", "stock:write", BulkCountSerializer, set_stock)
