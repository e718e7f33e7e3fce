"""Checking the books: the ledger's sums are the levels, and the levels' sums the totals; and mending them from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from tenant_apps.products.shifting import LOW
from tenants.audit.actors import Actor
from tenants.audit.services import record

LEDGER: Final = """
    ledger AS (
        SELECT product_id, location_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
        FROM products_stockmovement GROUP BY product_id, location_id
    )
"""
CHECK: Final = f"""
    WITH {LEDGER}, place AS (
        SELECT product_id, location_id, coalesce(level.on_hand, 0) AS on_hand, coalesce(level.reserved, 0) AS reserved,
               coalesce(ledger.on_hand, 0) AS right_on_hand, coalesce(ledger.reserved, 0) AS right_reserved
        FROM ledger FULL JOIN products_stocklevel AS level USING (product_id, location_id)
    ), wrong AS (
        SELECT * FROM place WHERE (on_hand, reserved) <> (right_on_hand, right_reserved)
        UNION ALL
        SELECT product.id, NULL, product.on_hand, product.reserved, coalesce(sum(place.right_on_hand), 0),
               coalesce(sum(place.right_reserved), 0)
        FROM products_product AS product LEFT JOIN place ON place.product_id = product.id
        GROUP BY product.id
        HAVING (product.on_hand, product.reserved)
            <> (coalesce(sum(place.right_on_hand), 0), coalesce(sum(place.right_reserved), 0))
    )
    SELECT product.sku, coalesce(location.code, ''), wrong.on_hand, wrong.reserved,
           right_on_hand::int, right_reserved::int
    FROM wrong JOIN products_product AS product ON product.id = product_id
    LEFT JOIN products_location AS location ON location.id = location_id
    ORDER BY 1, 2
"""
MEND_LEVELS: Final = f"""
    WITH {LEDGER}
    INSERT INTO products_stocklevel (id, created_at, updated_at, product_id, location_id, on_hand, reserved)
    SELECT gen_random_uuid(), now(), now(), product_id, location_id,
           coalesce(ledger.on_hand, 0), coalesce(ledger.reserved, 0)
    FROM ledger FULL JOIN products_stocklevel AS level USING (product_id, location_id)
    ON CONFLICT (product_id, location_id) DO UPDATE
        SET on_hand = excluded.on_hand, reserved = excluded.reserved, updated_at = now()
        WHERE (products_stocklevel.on_hand, products_stocklevel.reserved) <> (excluded.on_hand, excluded.reserved)
"""
MEND_TOTALS: Final = """
    UPDATE products_product AS product
    SET on_hand = total.on_hand, reserved = total.reserved, updated_at = now()
    FROM (
        SELECT product.id, coalesce(sum(level.on_hand), 0) AS on_hand, coalesce(sum(level.reserved), 0) AS reserved
        FROM products_product AS product LEFT JOIN products_stocklevel AS level ON level.product_id = product.id
        GROUP BY product.id
    ) AS total
    WHERE total.id = product.id AND (product.on_hand, product.reserved) <> (total.on_hand, total.reserved)
"""
IS_LOW: Final = LOW.format(on_hand="product.on_hand", reserved="product.reserved")
MEND_MARKS: Final = f"""
    UPDATE products_product AS product
    SET low_since = CASE WHEN {IS_LOW} THEN coalesce(low_since, now()) END,
        low_told_at = CASE WHEN {IS_LOW} THEN low_told_at END
    WHERE coalesce({IS_LOW}, false) <> (low_since IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A level (or, without a location, a total) that is not what the ledger adds up to."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    right_on_hand: int
    right_reserved: int

    def __str__(self) -> str:
        where = f"at {self.location}" if self.location else "in all"
        return (
            f"{self.sku} {where}: {self.on_hand} on hand, {self.reserved} reserved; "
            f"the ledger says {self.right_on_hand} and {self.right_reserved}"
        )


def check_books() -> list[Discrepancy]:
    """What of the current tenant's stock is not the sum of its movements; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(CHECK)
        return [Discrepancy(*row) for row in cursor.fetchall()]


@transaction.atomic
def mend_books(*, actor: Actor) -> list[Discrepancy]:
    """Write levels and totals anew from the ledger, which is never changed; returns what was wrong."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE products_product, products_stocklevel IN SHARE ROW EXCLUSIVE MODE")
        wrong = check_books()
        for statement in (MEND_LEVELS, MEND_TOTALS, MEND_MARKS):
            cursor.execute(statement)
    if wrong:
        record(actor=actor, verb="stock.mended", data={"wrong": [str(each) for each in wrong[:100]]})
    return wrong
