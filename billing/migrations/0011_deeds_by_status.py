from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('billing', '0010_late_use_by_tenant'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='deed',
            index=models.Index(fields=['status', '-created_at', '-id'], name='billing_deed_status'),
        ),
    ]
