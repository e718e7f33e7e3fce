from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0005_stock'),
    ]

    operations = [
        migrations.AlterField(
            model_name='orderline',
            name='sku',
            field=models.CharField(max_length=64),
        ),
    ]
