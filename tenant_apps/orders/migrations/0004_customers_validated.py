from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0003_customers_indexed'),
    ]

    operations = [
        ValidateConstraint('customer', 'orders_customer_merged_elsewhere'),
        ValidateConstraint('customer', 'orders_customer_erased_wholly'),
    ]
