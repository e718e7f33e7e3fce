import uuid

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0002_stock_places'),
    ]

    operations = [
        migrations.AlterField(
            model_name='stockmovement',
            name='location',
            field=models.ForeignKey(db_default=models.Value(uuid.UUID('00000000-0000-7000-8000-000000000001')), db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='products.location'),
        ),
        AddConstraintNotValid(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['receipt', 'adjustment', 'reservation', 'release', 'fulfilment', 'return', 'transfer'])), name='products_movement_reason_known'),
        ),
        AddConstraintNotValid(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('location__isnull', False)), name='products_movement_location_given'),
        ),
    ]
