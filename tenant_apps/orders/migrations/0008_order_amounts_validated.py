from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0007_order_amounts_filled'),
    ]

    operations = [
        ValidateConstraint('order', 'orders_order_totals_add_up'),
        ValidateConstraint('order', 'orders_order_amounts_sound'),
        ValidateConstraint('order', 'orders_order_discount_sound'),
        ValidateConstraint('order', 'orders_order_refunds_within_payments'),
        ValidateConstraint('order', 'orders_order_payment_status_right'),
        ValidateConstraint('order', 'orders_order_fulfilment_status_known'),
        ValidateConstraint('orderline', 'orders_line_discount_and_tax_sound'),
    ]
