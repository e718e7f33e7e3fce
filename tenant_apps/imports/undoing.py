"""Undoing an import: what nobody has touched since is taken back, and what was touched is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from tenant_apps.imports.keys import MOST_LINES, ORDER, key_prefix, line_key
from tenant_apps.imports.models import Import, ImportedProduct
from tenant_apps.imports.products import WORKER, state_of
from tenant_apps.imports.rows import Reason
from tenant_apps.imports.staging import Rejected, copy_rejected
from tenant_apps.orders.errors import OrderInUse
from tenant_apps.orders.models import Order
from tenant_apps.orders.services import withdraw_order
from tenant_apps.products.models import Category, Product
from tenant_apps.products.services import update_product, withdraw_product
from tenants.errors import DomainError

CHUNK: Final = 200
DECIMALS: Final = ("price", "compare_at_price", "cost_price")


def undo_next(job: Import) -> bool:
    """Take the next stretch back; False when all was looked at."""
    return _undo_products(job) if job.is_of_products else _undo_orders(job)


def _keep(job: Import, line: int, reason: Reason, detail: str, fields: list[str]) -> None:
    copy_rejected(job, [Rejected(line, reason, detail, fields)])
    job.records_kept += 1


# Products


def _undo_products(job: Import) -> bool:
    rows = job.products.exclude(outcome=ImportedProduct.Outcome.SAME).filter(line__gt=job.undone_line)
    notes = list(rows.order_by("line")[:CHUNK])
    for note in sorted(notes, key=lambda note: note.sku):
        _undo_product(job, note)
    job.undone_line = notes[-1].line if notes else job.staged_line
    return bool(notes)


def _undo_product(job: Import, note: ImportedProduct) -> None:
    product = Product.objects.select_for_update(no_key=True).filter(pk=note.product_id).first()
    if product is None:
        return _keep(job, note.line, Reason.CHANGED_SINCE, f"{note.sku} is gone.", [note.sku])
    if state_of(product, note.after) != note.after:
        detail = f"Somebody has changed {note.sku} since. It stays as it is."
        return _keep(job, note.line, Reason.CHANGED_SINCE, detail, [note.sku])
    try:
        with transaction.atomic():
            _take_back(product, note)
    except DomainError as refusal:
        return _keep(job, note.line, Reason.IN_USE, refusal.detail, [note.sku])
    job.records_undone += 1
    return None


def _take_back(product: Product, note: ImportedProduct) -> None:
    if note.outcome == ImportedProduct.Outcome.NEW:
        withdraw_product(actor=WORKER, product=product)
    else:
        update_product(actor=WORKER, product=product, **_former(note.before))


def _former(before: dict[str, Any]) -> Any:
    """What a product said before, as its verb takes it."""
    values: dict[str, Any] = {
        name: Decimal(value) if name in DECIMALS and value is not None else value
        for name, value in before.items()
    }
    if values.get("category"):
        values["category"] = Category.objects.filter(pk=values["category"]).first()
    return values


# Orders


def _undo_orders(job: Import) -> bool:
    """Orders have keys that are derived from the import and their first line."""
    prefix = key_prefix(job.pk)
    after: str = line_key(prefix, ORDER, job.undone_line + 1)
    end: str = line_key(prefix, ORDER, MOST_LINES)
    orders = list(Order.objects.select_for_update().filter(pk__range=(after, end)).order_by("pk")[:CHUNK])
    last = _line_of(orders[-1]) if orders else job.staged_line
    for order in orders:
        _undo_order(job, order)
    job.undone_line = last
    return bool(orders)


def _line_of(order: Order) -> int:
    return int(str(order.pk)[-7:], 16)


def _undo_order(job: Import, order: Order) -> None:
    name = order.external_reference or f"order {order.number}"
    if order.updated_at != order.created_at:
        detail = f"Somebody has changed {name} since. It stays as it is."
        return _keep(job, _line_of(order), Reason.CHANGED_SINCE, detail, [name])
    try:
        withdraw_order(actor=WORKER, order=order)
    except OrderInUse as refusal:
        return _keep(job, _line_of(order), Reason.IN_USE, refusal.detail, [name])
    job.records_undone += 1
    return None
