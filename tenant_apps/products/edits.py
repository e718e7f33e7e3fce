"""One change for many products at once, with a count and a way back for a while."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.entitlements import Allowance
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import require_room, room_for_products
from tenant_apps.products.writing import clean_choice, clean_price, clean_tags, rounded
from tenants.audit.actors import Actor
from tenants.audit.services import record
from tenants.errors import Invalid, NotFound

MOST: Final = 500
UNDO_FOR: Final = timedelta(minutes=15)
FIELDS: Final = ("price", "status", "category_id", "tags", "inherits")


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to each of the products; what is None stays as it is."""

    price_percent: Decimal | None = None
    price_by: Decimal | None = None
    status: str | None = None
    category: Category | None = None
    no_category: bool = False
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """How many products are different now, and the word that takes the change back for a while."""

    changed: int
    undo: str | None


@transaction.atomic
def edit_products(*, actor: Actor, products: Collection[UUID], change: Change) -> Edited:
    """Change all of the products, or none where one is refused; variants follow a parent's price and status."""
    _require_sound(products, change)
    room = room_for_products() if change.status not in (None, Product.Status.ARCHIVED) else None
    rows = _held(products, with_variants=_reaches_variants(change))
    before = {row.pk: _state(row) for row in rows}
    for row in rows:
        _change(row, change, named=row.pk in products)
    changed = [row for row in rows if _state(row) != before[row.pk]]
    _require_room(room, changed, before)
    _write(actor, changed, before)
    if not changed:
        return Edited(0, None)
    undo = secrets.token_urlsafe(18)
    kept = {row.pk: (before[row.pk], _state(row)) for row in changed}
    transaction.on_commit(lambda: cache.set(_key(undo), kept, int(UNDO_FOR.total_seconds())), robust=True)
    return Edited(len(changed), undo)


@transaction.atomic
def undo_edit(*, actor: Actor, undo: str) -> int:
    """Take a change back from all products that nobody has changed since; how many these are."""
    kept: dict[UUID, tuple[dict[str, Any], dict[str, Any]]] | None = cache.get(_key(undo))
    if kept is None:
        minutes = int(UNDO_FOR.total_seconds() // 60)
        raise NotFound(f"This change was taken back already, or is older than {minutes} minutes.")
    room = room_for_products() if any(_returns(after, then) for then, after in kept.values()) else None
    rows = [row for row in _held(kept, with_variants=False) if _state(row) == kept[row.pk][1]]
    before = {row.pk: _state(row) for row in rows}
    for row in rows:
        for field, value in kept[row.pk][0].items():
            setattr(row, field, value)
    _require_room(room, rows, before)
    _write(actor, rows, before)
    transaction.on_commit(lambda: cache.delete(_key(undo)), robust=True)
    return len(rows)


def _returns(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a product comes back into sale."""
    archived = Product.Status.ARCHIVED
    return bool(before["status"] == archived != after["status"])


def _require_room(room: Allowance | None, rows: list[Product], before: dict[UUID, dict[str, Any]]) -> None:
    """Refuse more products than the plan allows; variants are not counted."""
    back = sum(_returns(before[row.pk], _state(row)) for row in rows if not row.parent_id)
    if room is not None and back:
        require_room(room, back)


def _require_sound(products: Collection[UUID], change: Change) -> None:
    if not 1 <= len(products) <= MOST:
        raise Invalid(f"Name 1 to {MOST} products, not {len(products)}.", field="products")
    if change == Change():
        raise Invalid("Say what to change: a price, the status, the category or tags.")
    if change.price_percent is not None and change.price_by is not None:
        raise Invalid("Change the price by a percentage or by an amount, not both.", field="price_by")
    if change.category and change.no_category:
        raise Invalid("Give a category or take it away, not both.", field="no_category")
    if change.status is not None:
        clean_choice(change.status, Product.Status, field="status")


def _reaches_variants(change: Change) -> bool:
    return any(part is not None for part in (change.price_percent, change.price_by, change.status)) or bool(
        change.category or change.no_category
    )


def _held(products: Collection[UUID], *, with_variants: bool) -> list[Product]:
    """The products, locked in the order in which orders lock them; refuses ids that nobody has."""
    wanted = Q(pk__in=list(products))
    found = Product.objects.filter(wanted | Q(parent__in=list(products)) if with_variants else wanted)
    rows = list(found.order_by("sku").select_for_update(no_key=True))
    missing = set(products) - {row.pk for row in rows}
    if missing:
        named = ", ".join(sorted(map(str, missing))[:5])
        raise Invalid(f"No product has the id {named}.", field="products")
    return rows


def _state(product: Product) -> dict[str, Any]:
    return {field: getattr(product, field) for field in FIELDS}


def _change(product: Product, change: Change, *, named: bool) -> None:
    product.price = _price(product, change)
    product.status = change.status or product.status
    if (change.category or change.no_category) and (named or "category" in product.inherits):
        product.category_id = change.category.pk if change.category else None
        # A variant that is named says itself where it stands.
        product.inherits = [field for field in product.inherits if not named or field != "category"]
    if named and (change.add_tags or change.remove_tags):
        removed = {tag.lower() for tag in change.remove_tags}
        kept = [tag for tag in product.tags if tag not in removed]
        product.tags = clean_tags([*kept, *change.add_tags])


def _price(product: Product, change: Change) -> Decimal:
    price = product.price
    if change.price_percent is not None:
        price = rounded(price * (100 + change.price_percent) / 100)
    if change.price_by is not None:
        price += change.price_by
    if price < 0:
        raise Invalid(
            f"The price of {product.sku} would fall below 0. Take a smaller change, or leave it out.",
            field="price_percent" if change.price_by is None else "price_by",
        )
    return clean_price(price)


def _write(actor: Actor, rows: list[Product], before: dict[UUID, dict[str, Any]]) -> None:
    now = timezone.now()
    for row in rows:
        row.updated_at = now
    Product.objects.bulk_update(rows, ["price", "status", "category", "tags", "inherits", "updated_at"])
    for row in rows:
        was, is_ = before[row.pk], _state(row)
        changes = {
            field.removesuffix("_id"): [_plain(was[field]), _plain(is_[field])]
            for field in FIELDS
            if was[field] != is_[field]
        }
        record(actor=actor, verb="product.updated", target=row, data={"changes": changes})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | list) else str(value)


def _key(undo: str) -> str:
    return f"products.edit:{undo}"
