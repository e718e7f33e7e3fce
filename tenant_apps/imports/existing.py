"""Rows of orders that the shop has already: those the order holds are there, all others are rejected.

Without this a file cut in the middle of an invoice, or a mended row of an order that came in without it, would count
as imported before and be lost.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection

from tenant_apps.imports.models import Import
from tenant_apps.imports.rows import Reason
from tenant_apps.imports.staging import Rejected, copy_rejected
from tenant_apps.orders.models import Order

# Equal lines are counted: an order that holds a line twice has room for two equal rows.
TAKE_STRANGE_LINES: Final = """
    WITH there AS (
        SELECT o.external_reference AS invoice, l.sku, l.quantity, l.unit_price, count(*) AS times
        FROM orders_order AS o JOIN orders_orderline AS l ON l.order_id = o.id
        WHERE o.external_reference = ANY(%(known)s) GROUP BY 1, 2, 3, 4
    ), wanted AS (
        SELECT id, invoice, sku, quantity, unit_price,
            row_number() OVER (PARTITION BY invoice, sku, quantity, unit_price ORDER BY line) AS nth
        FROM imports_stagedline WHERE job_id = %(job)s AND invoice = ANY(%(known)s)
    )
    DELETE FROM imports_stagedline AS line
    USING wanted LEFT JOIN there USING (invoice, sku, quantity, unit_price)
    WHERE line.id = wanted.id AND wanted.nth > coalesce(there.times, 0)
    RETURNING line.line, line.invoice, line.sku, line.quantity * CASE WHEN is_cancellation THEN -1 ELSE 1 END,
        placed_at, line.unit_price, description, customer, customer_name, country"""
RETURNED: Final = (
    "invoice",
    "sku",
    "quantity",
    "placed_at",
    "unit_price",
    "description",
    "customer",
    "customer_name",
    "country",
)


def reject_lines_not_there(job: Import, invoices: list[str]) -> None:
    """Reject staged lines of orders that exist and do not hold them."""
    orders = Order.objects.filter(external_reference__in=invoices)
    known = list(orders.values_list("external_reference", flat=True))
    if not known:
        return
    rejected = sorted(_rejected(job, row) for row in _taken(job, known))
    copy_rejected(job, rejected)
    job.rows_rejected += len(rejected)


def _taken(job: Import, known: list[str | None]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_STRANGE_LINES, {"job": job.pk, "known": known})
        return list(cursor.fetchall())


def _rejected(job: Import, row: tuple[Any, ...]) -> Rejected:
    line, *values = row
    detail = f"Order {values[0]} is in the shop already, without this row. Imports do not change orders."
    return Rejected(line, Reason.ORDER_EXISTS, detail, _as_in_the_file(job, values))


def _as_in_the_file(job: Import, values: list[Any]) -> list[str]:
    """The row in the columns of its file, as far as they were mapped."""
    by_column = {job.mapping.get(name): value for name, value in zip(RETURNED, values, strict=True)}
    found = (by_column.get(column) for column in job.columns)
    return ["" if value is None else str(value) for value in found]
