"""Every write to categories, products and stock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypedDict, Unpack

from django.db import connection, transaction
from psycopg.errors import ForeignKeyViolation

from billing.entitlements import Allowance, Limit, claim
from tenant_apps.products.categories import (
    CategoryInUse,
    CategoryTaken,
    create_category,
    delete_category,
    update_category,
)
from tenant_apps.products.ledger import MOST_STOCK, NotStocked, shift_one
from tenant_apps.products.models import Category, Location, Product, StockLevel, StockMovement
from tenant_apps.products.shifting import mark_low
from tenant_apps.products.variants import (
    VariantTaken,
    become_variant,
    hand_down,
    inherit,
)
from tenant_apps.products.writing import (
    clean_choice,
    clean_currency,
    clean_level,
    clean_line,
    clean_metadata,
    clean_price,
    clean_quantity,
    clean_tags,
    clean_text,
    locked,
    refused_as,
)
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Invalid
from tenants.searching import current_language

# One door to the verbs of the app, wherever they stand.
__all__ = [
    "CategoryInUse",
    "CategoryTaken",
    "ProductChanges",
    "ProductInUse",
    "SkuTaken",
    "adjust_stock",
    "adjustment",
    "archive_product",
    "create_category",
    "create_product",
    "delete_category",
    "receive_stock",
    "require_room",
    "require_room_for_product",
    "restore_product",
    "room_for_products",
    "update_category",
    "update_product",
    "withdraw_product",
]

Reason = StockMovement.Reason


class SkuTaken(Conflict):
    code = "sku_taken"
    title = "A product with this SKU exists"


class ProductInUse(Conflict):
    code = "product_in_use"
    title = "The product is in use"


# Products


class ProductFields(TypedDict, total=False):
    """What a product says of itself besides its SKU."""

    name: str
    description: str
    price: Decimal
    status: str
    tax_class: str
    category: Category | None
    low_stock_at: int | None
    compare_at_price: Decimal | None
    cost_price: Decimal | None
    tags: list[str]
    metadata: dict[str, str]


class ProductChanges(ProductFields, total=False):
    """What of a product may change. Its kind and currency are for life, its stock has verbs of its own."""

    sku: str


class NewProduct(ProductFields, total=False):
    """What only a new product is told."""

    kind: str
    currency: str | None
    opening_stock: int
    parent: Product | None
    option_values: dict[str, str] | None


@transaction.atomic
def create_product(*, actor: Actor, sku: str, **given: Unpack[NewProduct]) -> Product:
    """Create a product in the tenant's currency, or a variant of one in its parent's.

    Opening stock becomes the first line of its ledger.
    """
    if given.get("parent") is None:
        require_room_for_product()
    opening_stock = given.pop("opening_stock", 0)
    product, fields = begin_product(NewProduct(**given))
    apply_changes(product, {**fields, "sku": sku})
    _write_product(product, force_insert=True)
    data = {"sku": product.sku, "name": product.name}
    if product.parent_id:
        data |= {"parent": str(product.parent_id)}
    record(actor=actor, verb="product.created", target=product, data=data)
    if opening_stock:
        shift_one(
            actor, product, Reason.RECEIPT, on_hand=clean_quantity(opening_stock, field="opening_stock")
        )
    elif product.low_stock_at is not None:
        mark_low(actor, [product.pk])
    return product


def begin_product(given: NewProduct) -> tuple[Product, Any]:
    """A product with what it is for life, and the rest of what was given."""
    kind = clean_choice(given.pop("kind", Product.Kind.GOODS), Product.Kind, field="kind")
    currency = clean_currency(given.pop("currency", None) or current_tenant().currency)
    product = Product(kind=kind, currency=currency, language=current_language())
    parent, values = given.pop("parent", None), given.pop("option_values", None)
    fields = {"name": "", "description": "", "category": None, **given}
    if parent is None:
        if values:
            raise Invalid("Only variants have values of options: name the parent too.", field="parent")
        return product, fields
    parent = locked(parent)
    become_variant(product, parent, values or {})
    return product, {"price": parent.price, "status": parent.status, "tax_class": parent.tax_class, **fields}


@transaction.atomic
def update_product(*, actor: Actor, product: Product, **changes: Unpack[ProductChanges]) -> Product:
    """Change what is given and keep the rest; returns the product as it is now."""
    room = _room_to_return(product) if "status" in changes else None
    product = locked(product)
    was_live = product.is_live
    differences = apply_changes(product, changes)
    if not differences:
        return product
    if product.is_live and not was_live and not product.parent_id:
        require_room(room or room_for_products())
    _write_product(product, update_fields=[*differences, "updated_at"])
    hand_down(product, differences)
    if "low_stock_at" in differences:
        mark_low(actor, [product.pk])
    record(actor=actor, verb="product.updated", target=product, data={"changes": differences})
    return product


@transaction.atomic
def archive_product(*, actor: Actor, product: Product) -> Product:
    """Take a product, and its variants, out of sale; orders that have it are still fulfilled."""
    product = locked(product)
    if product.is_live:
        _turn(product, Product.Status.ARCHIVED)
        record(actor=actor, verb="product.archived", target=product, data={"sku": product.sku})
    return product


@transaction.atomic
def withdraw_product(*, actor: Actor, product: Product) -> None:
    """Remove a product that was made by mistake; refuses one that something has been done with."""
    product = locked(product, deleting=True)
    used = product.order_lines.exists() or product.movements.exists() or product.variants.exists()
    if used or product.on_hand or product.images.exists():
        raise ProductInUse(f"{product.sku} has been ordered, moved or added to. Archive it instead.")
    record(actor=actor, verb="product.withdrawn", target=product, data={"sku": product.sku})
    with refused_as(ProductInUse(f"{product.sku} is in use. Archive it instead."), ForeignKeyViolation):
        product.delete()
        check_foreign_keys()


@transaction.atomic
def restore_product(*, actor: Actor, product: Product) -> Product:
    """Put an archived product, and its variants, back on sale."""
    room = _room_to_return(product)
    product = locked(product)
    if not product.is_live:
        if not product.parent_id:
            require_room(room or room_for_products())
        _turn(product, Product.Status.ACTIVE)
        record(actor=actor, verb="product.restored", target=product, data={"sku": product.sku})
    return product


def _turn(product: Product, status: str) -> None:
    """Give a product and all its variants a status."""
    product.status = status
    product.save(update_fields=["status", "updated_at"])
    if product.is_parent:
        product.variants.exclude(status=status).update(status=status, updated_at=product.updated_at)


def room_for_products() -> Allowance:
    """How many products the plan allows, and how many there are; variants are not counted.

    Until the transaction ends nobody else can add any. Ask before any product is locked.
    """
    return claim(Limit.PRODUCTS)


def require_room_for_product(*, adding: int = 1) -> None:
    """Refuse more products than the plan allows."""
    require_room(room_for_products(), adding)


def require_room(room: Allowance, adding: int = 1) -> None:
    """Refuse more products than there is room for."""
    room.require_room_for(adding, way_on="archive products that you no longer sell")


def _room_to_return(product: Product) -> Allowance | None:
    """Room for a product that seems to be out of sale, asked for before it is locked."""
    return None if product.is_live or product.parent_id else room_for_products()


def _write_product(product: Product, **how: Any) -> None:
    taken: Conflict = SkuTaken(
        f"A product with the SKU {product.sku} exists already. SKUs are unique whatever their case.",
        field="sku",
    )
    gone = Invalid("The category does not exist any more. Choose another one.", field="category")
    if product.option_values and not Product.objects.filter(sku=product.sku).exists():
        taken = _same_values(product)
    with refused_as(taken), refused_as(gone, ForeignKeyViolation):
        product.save(**how)
        if product.category_id:
            check_foreign_keys()


def _same_values(product: Product) -> VariantTaken:
    values = " / ".join((product.option_values or {}).values())
    return VariantTaken(
        f"A variant {values} of this product exists already. Change that one, or choose other values.",
        field="option_values",
    )


def check_foreign_keys() -> None:
    """Have the database refuse now what it would refuse at the commit."""
    # Deferred to the commit, the refusal of a category deleted meanwhile would come too late for an answer.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def apply_changes(product: Product, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Put the cleaned changes on the product; returns what differs, as [before, after] in plain values."""
    differences = {}
    for field, given in inherit(product, {**changes}).items():
        before, after = getattr(product, field), CLEANERS[field](given)
        if before != after:
            setattr(product, field, after)
            differences[field] = [_plain(before), _plain(after)]
    if product.low_stock_at is not None and not product.is_stocked:
        raise NotStocked(
            "A service, and a product with variants, has no stock, hence no stock level to warn at.",
            field="low_stock_at",
        )
    return differences


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "sku": lambda sku: clean_line(sku.upper(), field="sku", most=64),
    "name": lambda name: clean_line(name, field="name", most=200),
    "description": lambda text: clean_text(text, field="description"),
    "price": clean_price,
    "compare_at_price": lambda price: None if price is None else clean_price(price, field="compare_at_price"),
    "cost_price": lambda price: None if price is None else clean_price(price, field="cost_price"),
    "tags": clean_tags,
    "metadata": clean_metadata,
    "inherits": lambda fields: fields,
    "status": lambda status: clean_choice(status, Product.Status, field="status"),
    "tax_class": lambda tax_class: clean_choice(tax_class, Product.TaxClass, field="tax_class"),
    "category": lambda category: category,
    "low_stock_at": lambda level: clean_level(level, field="low_stock_at"),
}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str | list | dict) else str(value)


# Stock


@transaction.atomic
def receive_stock(
    *,
    actor: Actor,
    product: Product,
    quantity: int,
    note: str = "",
    source: str = "",
    location: Location | None = None,
) -> StockMovement:
    """Add delivered goods to what is on hand, at the default location unless another is given."""
    quantity = clean_quantity(quantity)
    note = clean_line(note, field="note", most=500, needed=False)
    product, location = locked(product), location or Location.objects.default()
    movement = shift_one(
        actor, product, Reason.RECEIPT, on_hand=quantity, note=note, source=source, location=location
    )
    data = {"quantity": quantity, "note": note, "location": location.code}
    record(actor=actor, verb="stock.received", target=product, data=data)
    return movement


@transaction.atomic
def adjust_stock(
    *,
    actor: Actor,
    product: Product,
    note: str,
    counted: int | None = None,
    delta: int | None = None,
    location: Location | None = None,
) -> StockMovement:
    """Correct what is on hand at a location, to a counted number or by a difference; the note says why."""
    note = clean_line(note, field="note", most=500)
    product, location = locked(product), location or Location.objects.default()
    change = adjustment(_on_hand_at(product, location), counted, delta)
    movement = shift_one(actor, product, Reason.ADJUSTMENT, on_hand=change, note=note, location=location)
    data = {"on_hand_change": change, "note": note, "location": location.code}
    record(actor=actor, verb="stock.adjusted", target=product, data=data)
    return movement


def _on_hand_at(product: Product, location: Location) -> int:
    level = StockLevel.objects.filter(product=product, location=location).first()
    return level.on_hand if level else 0


def adjustment(on_hand: int, counted: int | None, delta: int | None) -> int:
    """By how much the books change, from a counted number or a difference."""
    if (counted is None) == (delta is None):
        raise Invalid("Give either the counted number or the difference, not both.", field="counted")
    if counted is not None:
        if not 0 <= counted <= MOST_STOCK:
            raise Invalid(f"A count is a number from 0 to {MOST_STOCK}, not {counted}.", field="counted")
        return counted - on_hand
    if not delta or abs(delta) > MOST_STOCK:
        raise Invalid(f"A difference is a number other than 0, at most {MOST_STOCK}.", field="delta")
    return delta
