from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0006_longer_sku'),
    ]

    operations = [
        migrations.AddField(
            model_name='customer',
            name='reference',
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
        migrations.AddField(
            model_name='order',
            name='external_reference',
            field=models.CharField(max_length=64, null=True, unique=True),
        ),
    ]
