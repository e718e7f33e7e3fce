from django.db import migrations

FIRST = "'00000000-0000-7000-8000-000000000001'"


unsafe_because = {
    "RunSQL": (
        "Set-based fills that code before this one does not look at: movements get their location, levels and low "
        "stock are derived from columns that are there. What old code writes meanwhile, "
        "`manage.py stock --mend` takes up after the deploy."
    ),
}


class Migration(migrations.Migration):
    """What was there before there were locations lies at the first one."""

    dependencies = [
        ('products', '0003_movements_name_their_location'),
    ]

    operations = [
        migrations.RunSQL(
            f"UPDATE products_stockmovement SET location_id = {FIRST} WHERE location_id IS NULL",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "INSERT INTO products_stocklevel (id, created_at, updated_at, product_id, location_id, on_hand, reserved)"
            f" SELECT gen_random_uuid(), now(), now(), id, {FIRST}, on_hand, reserved FROM products_product"
            " WHERE on_hand > 0",
            "DELETE FROM products_stocklevel",
        ),
        migrations.RunSQL(
            "UPDATE products_product SET low_since = now(), low_told_at = now()"
            " WHERE low_stock_at >= on_hand - reserved",
            migrations.RunSQL.noop,
        ),
    ]
