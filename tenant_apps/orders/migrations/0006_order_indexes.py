import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('orders', '0005_order_amounts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['payment_status', '-created_at', '-id'], name='orders_order_payment_status'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['fulfilment_status', '-created_at', '-id'], name='orders_order_fulfil_status'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='orders_order_tags'),
        ),
    ]
