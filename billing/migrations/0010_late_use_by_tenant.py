from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('billing', '0009_letters_and_late_use'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='export',
            index=models.Index(condition=models.Q(('item', None), ('status', 'apart')), fields=['tenant', 'at'], name='billing_export_apart'),
        ),
    ]
