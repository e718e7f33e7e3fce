from django.db import migrations

unsafe_because = {
    "RunSQL": "Fills columns that the code before does not know; it goes on, and waits for a row while the fill takes."
}

# What was paid or fulfilled before there were payments and deliveries counts as paid and fulfilled in full.
FILL = """
    UPDATE orders_order SET
        paid_total = CASE WHEN paid_at IS NULL THEN 0 ELSE total END,
        payment_status = CASE WHEN paid_at IS NULL THEN 'unpaid' ELSE 'paid' END,
        fulfilment_status = CASE WHEN fulfilled_at IS NULL THEN 'unfulfilled' ELSE 'fulfilled' END
    WHERE paid_total = 0 AND (paid_at IS NOT NULL OR fulfilled_at IS NOT NULL)
"""


class Migration(migrations.Migration):
    dependencies = [
        ('orders', '0006_order_indexes'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
