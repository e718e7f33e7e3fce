from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0004_levels_from_totals'),
    ]

    operations = [
        ValidateConstraint(model_name='stockmovement', name='products_movement_reason_known'),
        ValidateConstraint(model_name='stockmovement', name='products_movement_location_given'),
    ]
