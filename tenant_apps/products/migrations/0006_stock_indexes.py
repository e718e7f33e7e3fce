from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('products', '0005_movements_checked'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='product',
            index=models.Index(condition=models.Q(('low_since__isnull', False)), fields=['low_since', 'id'], name='products_product_low'),
        ),
        AddIndexConcurrently(
            model_name='stockmovement',
            index=models.Index(fields=['location', '-at', '-id'], name='products_movement_location'),
        ),
    ]
