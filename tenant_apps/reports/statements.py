"""The SQL of rollups and reports. A day is one of the tenant's calendar; all parameters are named.

Orders that were called off do not count. An order counts on the day on which it was placed, with what it costs now; a
credit (an order of kind `cancellation`) lowers its own day, a refund that of its order.
"""

from typing import Final

from tenant_apps.orders.payments.counting import GIVEN_BACK_SQL

# Orders that count, with the day they count on.
COUNTED: Final = f"""
    SELECT o.id, o.kind, o.currency, o.total, o.tax_total, {GIVEN_BACK_SQL} AS given_back, o.customer_id,
           (o.placed_at AT TIME ZONE %(zone)s)::date AS day
      FROM orders_order o
     WHERE o.placed_at IS NOT NULL AND o.status <> 'cancelled'"""

BY_DAY: Final = """
    SELECT day, currency, count(*) FILTER (WHERE kind = 'sale') AS orders,
           coalesce(sum(total) FILTER (WHERE kind = 'sale'), 0) AS gross,
           coalesce(sum(total) FILTER (WHERE kind <> 'sale'), 0) AS credits,
           coalesce(sum(given_back), 0) AS refunded,
           coalesce(sum(CASE WHEN kind = 'sale' THEN tax_total ELSE -tax_total END), 0) AS tax
      FROM counted GROUP BY day, currency"""

# Days on which the rollups may be wrong: something about their orders has changed since.
STALE: Final = """
    SELECT DISTINCT (placed_at AT TIME ZONE %(zone)s)::date AS day FROM orders_order
     WHERE updated_at > %(through)s AND placed_at IS NOT NULL"""

WITHIN: Final = (
    " AND o.placed_at >= %(first)s::timestamp AT TIME ZONE %(zone)s"
    " AND o.placed_at < (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s AND o.currency = %(currency)s"
)


SALES: Final = f"""
    WITH stale AS MATERIALIZED ({STALE}),
    counted AS (SELECT * FROM ({COUNTED}{WITHIN}) o WHERE o.day IN (SELECT day FROM stale))
    SELECT day, orders, gross, credits, refunded, tax FROM reports_salesday
     WHERE currency = %(currency)s AND day BETWEEN %(first)s AND %(last)s AND %(is_sound)s
       AND day NOT IN (SELECT day FROM stale)
     UNION ALL SELECT day, orders, gross, credits, refunded, tax FROM ({BY_DAY}) live"""

PERIODS: Final = f"""
    SELECT date_trunc(%(interval)s, day::timestamp)::date AS start, sum(orders)::int AS orders, sum(gross) AS gross,
           sum(credits) AS credits, sum(refunded) AS refunded, sum(tax) AS tax
      FROM ({SALES}) days GROUP BY 1 ORDER BY 1"""

PRODUCTS: Final = f"""
    WITH counted AS ({COUNTED}{WITHIN}), sold AS (
        SELECT l.product_id, sum(CASE WHEN c.kind = 'sale' THEN l.quantity ELSE -l.quantity END)::int AS units,
               sum(CASE WHEN c.kind = 'sale' THEN l.total ELSE -l.total END) AS amount
          FROM counted c JOIN orders_orderline l ON l.order_id = c.id GROUP BY l.product_id)
    SELECT rank() OVER (ORDER BY s.amount DESC) AS rank, p.id, p.sku, p.name, s.units, s.amount,
           coalesce(round(100 * s.amount / nullif(sum(s.amount) OVER (), 0), 1), 0) AS share
      FROM sold s JOIN products_product p ON p.id = s.product_id
     ORDER BY s.amount DESC, p.sku LIMIT %(limit)s"""

CUSTOMERS: Final = f"""
    WITH counted AS ({COUNTED}{WITHIN}), spent AS (
        SELECT customer_id, count(*) FILTER (WHERE kind = 'sale') AS orders,
               sum(CASE WHEN kind = 'sale' THEN total ELSE -total END) - sum(given_back) AS amount
          FROM counted WHERE customer_id IS NOT NULL GROUP BY customer_id)
    SELECT rank() OVER (ORDER BY s.amount DESC) AS rank, c.id, c.name, s.orders, s.amount,
           coalesce(round(100 * sum(s.amount) OVER (ORDER BY s.amount DESC, c.id)
                    / nullif(sum(s.amount) OVER (), 0), 1), 0) AS cumulative
      FROM spent s JOIN orders_customer c ON c.id = s.customer_id
     ORDER BY s.amount DESC, c.id LIMIT %(limit)s"""

COHORTS: Final = f"""
    WITH counted AS ({COUNTED} AND o.kind = 'sale' AND o.customer_id IS NOT NULL AND o.currency = %(currency)s),
    months AS (SELECT DISTINCT customer_id, date_trunc('month', day::timestamp)::date AS month FROM counted),
    begun AS (SELECT customer_id, month, min(month) OVER (PARTITION BY customer_id) AS cohort FROM months)
    SELECT cohort, ((extract(year FROM month) - extract(year FROM cohort)) * 12
                    + extract(month FROM month) - extract(month FROM cohort))::int AS later,
           count(*)::int AS customers
      FROM begun WHERE cohort BETWEEN date_trunc('month', %(first)s::timestamp) AND %(last)s
     GROUP BY 1, 2 ORDER BY 1, 2"""

STOCK: Final = """
    SELECT c.id, coalesce(c.name, '') AS name, count(*)::int AS products, sum(p.on_hand)::bigint AS units,
           sum(p.on_hand * p.price) AS at_price, sum(p.on_hand * p.cost_price) AS at_cost,
           count(*) FILTER (WHERE p.cost_price IS NULL AND p.on_hand > 0)::int AS without_cost
      FROM products_product p LEFT JOIN products_category c ON c.id = p.category_id
     WHERE p.kind = 'goods' AND p.currency = %(currency)s AND p.on_hand <> 0
     GROUP BY c.id, c.name ORDER BY at_price DESC, c.name"""

# Rolling up

FORGET: Final = "DELETE FROM reports_salesday WHERE day = ANY(%(days)s)"
SPAN: Final = " AND o.placed_at >= %(begin)s AND o.placed_at < %(end)s"
ROLL_SALES: Final = f"""
    WITH counted AS (SELECT * FROM ({COUNTED}{SPAN}) o WHERE o.day = ANY(%(days)s))
    INSERT INTO reports_salesday (id, day, currency, orders, gross, credits, refunded, tax)
    SELECT uuidv7(), day, currency, orders, gross, credits, refunded, tax FROM ({BY_DAY}) days"""
