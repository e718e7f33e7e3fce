from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trade', '0003_order_numbers'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='placed_at',
            field=models.DateTimeField(db_index=True, null=True),
        ),
    ]
