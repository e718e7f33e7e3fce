"""Second half of an import: staged lines into products, customers and orders, by sets and in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from tenant_apps.imports.existing import reject_lines_not_there
from tenant_apps.imports.keys import CUSTOMER, LINE, ORDER, PRODUCT, key_prefix, line_key
from tenant_apps.imports.models import Import
from tenant_apps.orders.models import OrderCounter
from tenant_apps.orders.services import take_numbers
from tenants.searching import current_language

BATCH_LINES: Final = 4_000
# Stock codes of the wholesaler's books that are charges, vouchers or bookings and never lie on a shelf.
SERVICE_SKUS: Final = (
    "^(POST|POSTAGE|SHIPPING|CARRIAGE|DOT|C2|D|DISCOUNT|M|MANUAL|S|B|CRUK|AMAZONFEE|BANK CHARGES|GIFT_.*)$"
)

INSERT_PRODUCTS: Final = """
    INSERT INTO products_product (
        id, created_at, updated_at, sku, name, description, kind, price, currency, status, on_hand, reserved,
        language
    )
    SELECT (%(prefix)s || %(kind)s || lpad(to_hex(line), 7, '0'))::uuid, %(now)s, %(now)s, sku,
        coalesce(name, sku), '', CASE WHEN sku ~ %(services)s THEN 'service' ELSE 'goods' END,
        price, %(currency)s, 'active', 0, 0, %(language)s
    FROM (
        SELECT sku, min(line) AS line,
            (array_agg(description ORDER BY line) FILTER (WHERE description <> ''))[1] AS name,
            (array_agg(unit_price ORDER BY is_cancellation, line DESC))[1] AS price
        FROM imports_stagedline WHERE job_id = %(job)s GROUP BY sku
    ) AS found
    WHERE NOT EXISTS (SELECT 1 FROM products_product AS known WHERE known.sku = found.sku)
    ON CONFLICT DO NOTHING"""

INSERT_CUSTOMERS: Final = """
    INSERT INTO orders_customer (id, created_at, updated_at, reference, name, email, phone, country, note)
    SELECT (%(prefix)s || %(kind)s || lpad(to_hex(line), 7, '0'))::uuid, %(now)s, %(now)s, customer,
        coalesce(name, 'Customer ' || customer), '', '', coalesce(country, ''), ''
    FROM (
        SELECT customer, min(line) AS line,
            (array_agg(customer_name ORDER BY line) FILTER (WHERE customer_name <> ''))[1] AS name,
            (array_agg(country ORDER BY line) FILTER (WHERE country <> ''))[1] AS country
        FROM imports_stagedline WHERE job_id = %(job)s AND customer IS NOT NULL GROUP BY customer
    ) AS found
    WHERE NOT EXISTS (SELECT 1 FROM orders_customer AS known WHERE known.reference = found.customer)
    ON CONFLICT DO NOTHING"""

# Keys sort in the file's order, so that a stretch of lines is a range of the primary key.
INVOICES_BETWEEN: Final = "SELECT DISTINCT invoice FROM imports_stagedline WHERE id > %s AND id <= %s"

# One statement moves whole invoices: what is deleted from the staged lines is what becomes orders.
APPLY_INVOICES: Final = """
    WITH batch AS (
        DELETE FROM imports_stagedline WHERE job_id = %(job)s AND invoice = ANY(%(invoices)s) RETURNING *
    ), found AS (
        SELECT invoice, min(line) AS line, bool_or(is_cancellation) AS is_cancellation,
            sum(quantity * unit_price) AS total, (array_agg(placed_at ORDER BY line))[1] AS placed_at,
            max(customer) AS customer
        FROM batch GROUP BY invoice
    ), fresh AS (
        SELECT found.*, row_number() OVER (ORDER BY line) AS rank,
            (%(prefix)s || %(kind)s || lpad(to_hex(line), 7, '0'))::uuid AS order_id
        FROM found
        WHERE NOT EXISTS (SELECT 1 FROM orders_order AS o WHERE o.external_reference = found.invoice)
    ), placed AS (
        INSERT INTO orders_order (
            id, created_at, updated_at, number, kind, status, customer_id, currency, total, note, source,
            external_reference, placed_at, paid_at, fulfilled_at, closed_at, subtotal, paid_total,
            payment_status, fulfilment_status
        )
        SELECT order_id, %(now)s, %(now)s, %(last)s + rank,
            CASE WHEN is_cancellation THEN 'cancellation' ELSE 'sale' END, 'closed', c.id, %(currency)s,
            total, '', 'import', invoice, placed_at, placed_at, placed_at, placed_at, total, total,
            'paid', 'fulfilled'
        FROM fresh LEFT JOIN orders_customer AS c ON c.reference = fresh.customer
    ), written AS (
        INSERT INTO orders_orderline (
            id, order_id, position, product_id, sku, description, quantity, unit_price, total
        )
        SELECT batch.id, order_id, row_number() OVER (PARTITION BY batch.invoice ORDER BY batch.line), p.id,
            batch.sku, coalesce(nullif(batch.description, ''), p.name), quantity, unit_price,
            quantity * unit_price
        FROM batch JOIN fresh USING (invoice) JOIN products_product AS p ON p.sku = batch.sku
        RETURNING 1
    )
    SELECT
        (SELECT count(*) FROM batch),
        (SELECT count(*) FROM batch JOIN fresh USING (invoice)),
        (SELECT count(*) FROM written),
        (SELECT count(*) FROM found),
        (SELECT count(*) FROM fresh),
        (SELECT count(*) FROM fresh WHERE is_cancellation)"""


class LinesLost(Exception):
    """Lines were about to vanish: the batch is undone."""


@dataclass(frozen=True)
class Applied:
    """What one batch did, in numbers."""

    lines: int
    expected: int
    written: int
    invoices: int
    orders: int
    cancellations: int


def create_products(job: Import) -> int:
    """Make the products that the shop does not have; those it has are left as they are."""
    return _execute(
        INSERT_PRODUCTS,
        {**_shared(job), "kind": PRODUCT, "services": SERVICE_SKUS, "language": current_language()},
    )


def create_customers(job: Import) -> int:
    """Make the customers that the shop does not have."""
    return _execute(INSERT_CUSTOMERS, {**_shared(job), "kind": CUSTOMER})


def apply_next_invoices(job: Import) -> bool:
    """Turn the invoices of the next stretch of lines into orders; False when the last was reached."""
    end = min(job.applied_line + BATCH_LINES, job.staged_line)
    invoices = _invoices(job, job.applied_line, end)
    if invoices:
        _count(job, _checked(_apply(job, invoices)))
    job.applied_line = end
    return end < job.staged_line


def _checked(applied: Applied) -> Applied:
    lost = applied.expected - applied.written
    if lost:
        raise LinesLost(
            f"{lost} lines found no product: one was renamed or deleted meanwhile. Resume the import; it "
            "makes missing products again."
        )
    return applied


def _invoices(job: Import, after: int, end: int) -> list[str]:
    prefix = key_prefix(job.pk)
    with connection.cursor() as cursor:
        cursor.execute(INVOICES_BETWEEN, [line_key(prefix, LINE, after), line_key(prefix, LINE, end)])
        return [invoice for (invoice,) in cursor.fetchall()]


def _apply(job: Import, invoices: list[str]) -> Applied:
    # Whoever places an order waits here: numbers have no gaps, so the lock lasts until the commit.
    last = OrderCounter.objects.select_for_update().values_list("last", flat=True).get()
    _plan_by_indexes()
    reject_lines_not_there(job, invoices)
    with connection.cursor() as cursor:
        cursor.execute(APPLY_INVOICES, {**_shared(job), "kind": ORDER, "invoices": invoices, "last": last})
        applied = Applied(*cursor.fetchone())
    take_numbers(count=applied.orders)
    return applied


def _plan_by_indexes() -> None:
    """Keep each batch's cost independent of the size of the shop.

    Tables that an import has just filled have no statistics yet: the planner takes them for small and reads all orders
    and lines of the shop for each batch.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def _count(job: Import, applied: Applied) -> None:
    job.rows_imported += applied.written
    job.rows_already_there += applied.lines - applied.written
    job.orders_created += applied.orders - applied.cancellations
    job.cancellations_created += applied.cancellations
    job.orders_skipped += applied.invoices - applied.orders


def _shared(job: Import) -> dict[str, Any]:
    return {
        "job": job.pk,
        "prefix": key_prefix(job.pk),
        "now": timezone.now(),
        "currency": job.options["currency"],
    }


def _execute(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        # Over all lines of a large file it may outlast the limit that is made for requests.
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
