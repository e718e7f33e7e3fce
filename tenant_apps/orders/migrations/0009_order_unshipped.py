from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0008_order_amounts_validated'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='unshipped_total',
            field=models.DecimalField(db_default=Decimal('0.00'), decimal_places=2, default=Decimal('0.00'), max_digits=14),
        ),
        AddConstraintNotValid(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('unshipped_total', 0), models.Q(('status', 'closed'), ('unshipped_total__gt', 0), ('unshipped_total__lte', models.F('total'))), _connector='OR'), name='orders_order_unshipped_once_closed'),
        ),
    ]
