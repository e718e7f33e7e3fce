"""Every write to categories, products and stock."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import chain, count
from typing import Any, Final, TypedDict, Unpack

from django.db import connection, transaction
from django.utils.text import slugify
from psycopg.errors import ForeignKeyViolation

from billing.entitlements import Limit, require
from tenant_apps.products.ledger import MOST_STOCK, NotStocked, shift_one
from tenant_apps.products.models import Category, Location, Product, StockLevel, StockMovement
from tenant_apps.products.shifting import mark_low
from tenant_apps.products.writing import (
    clean_choice,
    clean_currency,
    clean_level,
    clean_line,
    clean_price,
    clean_quantity,
    clean_text,
    locked,
    refused_as,
)
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.context import current_tenant
from tenants.errors import Conflict, Invalid
from tenants.searching import current_language

Reason = StockMovement.Reason


class CategoryTaken(Conflict):
    code = "category_taken"
    title = "A category with this name exists"


class CategoryInUse(Conflict):
    code = "category_in_use"
    title = "The category still has products"


class SkuTaken(Conflict):
    code = "sku_taken"
    title = "A product with this SKU exists"


# Categories


@transaction.atomic
def create_category(*, actor: Actor, name: str) -> Category:
    """Create a category; its slug is made from the name and stays when the name changes."""
    name = clean_line(name, field="name", most=120)
    category = Category(name=name, slug=_free_slug(name))
    with refused_as(_category_taken(name)):
        category.save(force_insert=True)
    record(actor=actor, verb="category.created", target=category, data={"name": name})
    return category


@transaction.atomic
def rename_category(*, actor: Actor, category: Category, name: str) -> Category:
    """Give a category another name."""
    category = locked(category)
    name = clean_line(name, field="name", most=120)
    changes = {"name": [category.name, name]}
    category.name = name
    with refused_as(_category_taken(name)):
        category.save(update_fields=["name", "updated_at"])
    record(actor=actor, verb="category.renamed", target=category, data={"changes": changes})
    return category


@transaction.atomic
def delete_category(*, actor: Actor, category: Category) -> None:
    """Delete a category that no product uses."""
    # The full row lock makes a product that is just being put into this category wait, or be counted.
    category = locked(category, deleting=True)
    if used := category.products.count():
        raise CategoryInUse(
            f"The category {category.name!r} has {used} products. Move them to another category first.",
            products=used,
        )
    record(actor=actor, verb="category.deleted", target=category, data={"name": category.name})
    category.delete()


def _category_taken(name: str) -> CategoryTaken:
    return CategoryTaken(
        f"A category named {name!r} exists already; upper and lower case count as the same. Choose another.",
        field="name",
    )


def _free_slug(name: str) -> str:
    base = slugify(name, allow_unicode=True)[:120] or "category"
    taken = set(Category.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    candidates = chain([base], (f"{base}-{number}" for number in count(2)))
    return next(slug for slug in candidates if slug not in taken)


# Products


class ProductChanges(TypedDict, total=False):
    """What of a product may change. Its kind and currency are for life, its stock has verbs of its own."""

    sku: str
    name: str
    description: str
    price: Decimal
    status: str
    tax_class: str
    category: Category | None
    low_stock_at: int | None


@transaction.atomic
def create_product(
    *,
    actor: Actor,
    sku: str,
    name: str,
    price: Decimal,
    description: str = "",
    kind: str = Product.Kind.GOODS,
    status: str = Product.Status.ACTIVE,
    tax_class: str = Product.TaxClass.STANDARD,
    currency: str | None = None,
    category: Category | None = None,
    low_stock_at: int | None = None,
    opening_stock: int = 0,
) -> Product:
    """Create a product in the tenant's currency; opening stock becomes the first line of its ledger."""
    _require_room_for_product()
    kind = clean_choice(kind, Product.Kind, field="kind")
    currency = clean_currency(currency or current_tenant().currency)
    product = Product(kind=kind, currency=currency, language=current_language())
    given = ProductChanges(sku=sku, name=name, description=description, price=price, status=status)
    _apply(product, given | {"tax_class": tax_class, "category": category, "low_stock_at": low_stock_at})
    _write_product(product, force_insert=True)
    record(
        actor=actor, verb="product.created", target=product, data={"sku": product.sku, "name": product.name}
    )
    if opening_stock:
        quantity = clean_quantity(opening_stock, field="opening_stock")
        shift_one(actor, product, Reason.RECEIPT, on_hand=quantity)
    elif product.low_stock_at is not None:
        mark_low(actor, [product.pk])
    return product


@transaction.atomic
def update_product(*, actor: Actor, product: Product, **changes: Unpack[ProductChanges]) -> Product:
    """Change what is given and keep the rest; returns the product as it is now."""
    product = locked(product)
    was_live = product.is_live
    differences = _apply(product, changes)
    if not differences:
        return product
    if product.is_live and not was_live:
        _require_room_for_product()
    _write_product(product, update_fields=[*differences, "updated_at"])
    if "low_stock_at" in differences:
        mark_low(actor, [product.pk])
    record(actor=actor, verb="product.updated", target=product, data={"changes": differences})
    return product


@transaction.atomic
def archive_product(*, actor: Actor, product: Product) -> Product:
    """Take a product out of sale for good; orders that have it are still fulfilled."""
    product = locked(product)
    if product.is_live:
        product.status = Product.Status.ARCHIVED
        product.save(update_fields=["status", "updated_at"])
        record(actor=actor, verb="product.archived", target=product, data={"sku": product.sku})
    return product


def _require_room_for_product() -> None:
    require(
        Limit.PRODUCTS, used=Product.objects.live().count, way_on="archive products that you no longer sell"
    )


def _write_product(product: Product, **how: Any) -> None:
    taken = SkuTaken(
        f"A product with the SKU {product.sku} exists already. SKUs are unique whatever their case.",
        field="sku",
    )
    gone = Invalid("The category does not exist any more. Choose another one.", field="category")
    with refused_as(taken), refused_as(gone, ForeignKeyViolation):
        product.save(**how)
        if product.category_id:
            _check_foreign_keys()


def _check_foreign_keys() -> None:
    # Deferred to the commit, the refusal of a category deleted meanwhile would come too late for an answer.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _apply(product: Product, changes: ProductChanges) -> dict[str, list[Any]]:
    """Put the cleaned changes on the product; returns what differs, as [before, after] in plain values."""
    differences = {}
    for field, given in changes.items():
        before, after = getattr(product, field), CLEANERS[field](given)
        if before != after:
            setattr(product, field, after)
            differences[field] = [_plain(before), _plain(after)]
    if product.low_stock_at is not None and not product.is_stocked:
        raise NotStocked("A service has no stock, hence no stock level to warn at.", field="low_stock_at")
    return differences


CLEANERS: Final[dict[str, Callable[[Any], Any]]] = {
    "sku": lambda sku: clean_line(sku.upper(), field="sku", most=64),
    "name": lambda name: clean_line(name, field="name", most=200),
    "description": lambda text: clean_text(text, field="description"),
    "price": clean_price,
    "status": lambda status: clean_choice(status, Product.Status, field="status"),
    "tax_class": lambda tax_class: clean_choice(tax_class, Product.TaxClass, field="tax_class"),
    "category": lambda category: category,
    "low_stock_at": lambda level: clean_level(level, field="low_stock_at"),
}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)


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
