import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0001_initial'),
        ('trade', '0004_order_placed_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='StockMovement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=12)),
                ('on_hand_change', models.IntegerField()),
                ('reserved_change', models.IntegerField()),
                ('note', models.CharField(blank=True, max_length=500)),
                ('source', models.CharField(blank=True, db_index=True, max_length=100)),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='shop.product')),
            ],
        ),
    ]
