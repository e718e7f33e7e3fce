"""Making and changing many products at once, by SKU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db import transaction

from tenant_apps.products.models import Product
from tenant_apps.products.putting import Batch, Given, Put, put_together
from tenant_apps.products.services import (
    apply_changes,
    begin_product,
    check_foreign_keys,
    create_product,
    require_room,
    room_for_products,
    update_product,
)
from tenant_apps.products.shifting import mark_low
from tenants.audit.actors import Actor
from tenants.errors import Invalid

FOR_LIFE: Final = ("kind", "currency")


@transaction.atomic
def put_products(*, actor: Actor, rows: Sequence[Given]) -> list[Put[Product]]:
    """Create products, or change those that have the SKUs; a row that is refused leaves the others alone.

    Each SKU stands there once. The answer has one entry for each row, in their order.
    """
    return put_together(
        rows, lambda given: _Products(actor, given).put(given), lambda row: _put_alone(actor, row)
    )


class _Products(Batch[Product]):
    model, noun = Product, "product"

    def __init__(self, actor: Actor, rows: Sequence[Given]) -> None:
        super().__init__(actor)
        # Before any product is locked, as every verb does.
        self._room = room_for_products()
        # In the order in which orders lock products, so that neither waits for the other in a circle.
        found = Product.objects.filter(sku__in=[row.key for row in rows]).order_by("sku")
        held = found.select_related("category").select_for_update(no_key=True, of=("self",))
        self._known = {product.sku: product for product in held}
        self._more = 0

    def judge(self, row: Given) -> Put[Product]:
        product = self._known.get(row.key)
        if product is None:
            return self._make(row)
        if product.is_parent or product.parent_id:
            # Variants take much from their parent; there are few of them in such files.
            return _put_alone(self.actor, row)
        changes = {name: value for name, value in row.values.items() if name not in FOR_LIFE}
        before, was_live = {name: getattr(product, name) for name in changes}, product.is_live
        if differences := apply_changes(product, changes):
            if product.is_live and not was_live:
                self._take_room()
            self.changed.append((product, differences))
        return Put(product, before)

    def _make(self, row: Given) -> Put[Product]:
        product, fields = begin_product(_complete(row))
        apply_changes(product, {**fields, "sku": row.key})
        self._take_room()
        self.new.append(product)
        return Put(product)

    def _take_room(self) -> None:
        require_room(self._room, adding=self._more + 1)
        self._more += 1

    def told_new(self, record: Product) -> dict[str, Any]:
        return {"sku": record.sku, "name": record.name}

    def told_changed(self, differences: Any) -> dict[str, Any]:
        return {"changes": differences}

    def write(self) -> None:
        super().write()
        check_foreign_keys()
        watched = [product.pk for product in self.new if product.low_stock_at is not None]
        watched += [product.pk for product, differences in self.changed if "low_stock_at" in differences]
        if watched:
            mark_low(self.actor, watched)


def _put_alone(actor: Actor, row: Given) -> Put[Product]:
    product = Product.objects.select_related("category").filter(sku=row.key).first()
    if product is None:
        return Put(create_product(actor=actor, sku=row.key, **_complete(row)))
    changes: Any = {name: value for name, value in row.values.items() if name not in FOR_LIFE}
    before = {name: getattr(product, name) for name in changes}
    return Put(update_product(actor=actor, product=product, **changes), before)


def _complete(row: Given) -> Any:
    if missing := [name for name in ("name", "price") if name not in row.values]:
        raise Invalid(
            f"There is no product {row.key} yet, and a new one needs a {' and a '.join(missing)}.",
            field=missing[0],
        )
    return dict(row.values)
