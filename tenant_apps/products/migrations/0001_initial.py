import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import tenants.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=120)),
                ('slug', models.SlugField(allow_unicode=True, db_index=False, max_length=140)),
            ],
            options={
                'verbose_name_plural': 'categories',
                'ordering': ['name'],
                'indexes': [models.Index(fields=['-updated_at', '-id'], name='products_category_updated')],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='products_category_name_unique'), models.UniqueConstraint(fields=('slug',), name='products_category_slug_unique'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='products_category_name_given')],
            },
        ),
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('sku', models.CharField(max_length=64, verbose_name='SKU')),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True, default='')),
                ('kind', models.CharField(choices=[('goods', 'Goods'), ('service', 'Service')], default='goods', max_length=10)),
                ('price', models.DecimalField(decimal_places=2, max_digits=12)),
                ('currency', models.CharField(max_length=3)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('active', 'Active'), ('archived', 'Archived')], default='active', max_length=10)),
                ('on_hand', models.IntegerField(default=0, editable=False)),
                ('reserved', models.IntegerField(default=0, editable=False)),
                ('low_stock_at', models.IntegerField(blank=True, null=True)),
                ('category', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='products', to='products.category')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='StockMovement',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('receipt', 'Receipt'), ('adjustment', 'Adjustment'), ('reservation', 'Reservation'), ('release', 'Release'), ('fulfilment', 'Fulfilment'), ('return', 'Return')], max_length=12)),
                ('on_hand_change', models.IntegerField(default=0)),
                ('reserved_change', models.IntegerField(default=0)),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('source', models.CharField(blank=True, default='', max_length=100)),
                ('actor_label', models.CharField(max_length=254)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='products.product')),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['-created_at', '-id'], name='products_product_created'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['status', '-created_at', '-id'], name='products_product_status'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['category', '-created_at', '-id'], name='products_product_category'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['-updated_at', '-id'], name='products_product_updated'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['name', 'id'], name='products_product_name'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.UniqueConstraint(fields=('sku',), name='products_product_sku_unique'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('sku', django.db.models.functions.text.Upper('sku')), models.Q(('sku', ''), _negated=True)), name='products_product_sku_upper'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='products_product_name_given'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('price__gte', 0)), name='products_product_price_positive'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='products_product_currency_iso'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['goods', 'service'])), name='products_product_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'active', 'archived'])), name='products_product_status_known'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('reserved__gte', 0)), name='products_product_reserved_positive'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('on_hand__gte', models.F('reserved'))), name='products_product_not_oversold'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'goods'), models.Q(('on_hand', 0), ('reserved', 0)), _connector='OR'), name='products_product_service_unstocked'),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('low_stock_at__isnull', True), models.Q(('kind', 'goods'), ('low_stock_at__gte', 0)), _connector='OR'), name='products_product_low_stock_valid'),
        ),
        migrations.AddIndex(
            model_name='stockmovement',
            index=models.Index(fields=['product', '-at', '-id'], name='products_movement_product'),
        ),
        migrations.AddIndex(
            model_name='stockmovement',
            index=models.Index(fields=['-at', '-id'], name='products_movement_at'),
        ),
        migrations.AddIndex(
            model_name='stockmovement',
            index=models.Index(condition=models.Q(('source', ''), _negated=True), fields=['source'], name='products_movement_source'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(('reason__in', ['receipt', 'adjustment', 'reservation', 'release', 'fulfilment', 'return'])), name='products_movement_reason_known'),
        ),
        migrations.AddConstraint(
            model_name='stockmovement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('on_hand_change', 0), ('reserved_change', 0), _negated=True), ('reason', 'adjustment'), _connector='OR'), name='products_movement_moves'),
        ),
    ]
