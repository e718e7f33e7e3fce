from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0009_order_unshipped'),
    ]

    operations = [
        ValidateConstraint('order', 'orders_order_unshipped_once_closed'),
    ]
