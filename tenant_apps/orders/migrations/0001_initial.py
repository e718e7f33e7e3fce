import django.db.models.deletion
import django.db.models.expressions
import tenants.models
import uuid
from django.db import migrations, models

unsafe_because = {"RunSQL": "It inserts the one row of a table that this migration makes."}


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('products', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('reference', models.CharField(blank=True, max_length=64, null=True)),
                ('name', models.CharField(max_length=200)),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('phone', models.CharField(blank=True, default='', max_length=40)),
                ('country', models.CharField(blank=True, default='', max_length=60)),
                ('note', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['-created_at', '-id'], name='orders_customer_created'), models.Index(fields=['-updated_at', '-id'], name='orders_customer_updated'), models.Index(fields=['name', 'id'], name='orders_customer_name'), models.Index(condition=models.Q(('email', ''), _negated=True), fields=['email'], name='orders_customer_email')],
                'constraints': [models.UniqueConstraint(fields=('reference',), name='orders_customer_reference_unique'), models.CheckConstraint(condition=models.Q(('reference', ''), _negated=True), name='orders_customer_reference_given'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='orders_customer_name_given')],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('number', models.BigIntegerField(blank=True, editable=False, null=True)),
                ('kind', models.CharField(choices=[('sale', 'Sale'), ('cancellation', 'Cancellation')], default='sale', max_length=12)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('placed', 'Placed'), ('paid', 'Paid'), ('fulfilled', 'Fulfilled'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], default='draft', max_length=10)),
                ('currency', models.CharField(max_length=3)),
                ('total', models.DecimalField(decimal_places=2, default=0, max_digits=14)),
                ('note', models.TextField(blank=True, default='')),
                ('source', models.CharField(choices=[('portal', 'Portal'), ('api', 'API'), ('import', 'Import')], default='portal', max_length=10)),
                ('external_reference', models.CharField(blank=True, max_length=64, null=True)),
                ('placed_at', models.DateTimeField(blank=True, null=True)),
                ('paid_at', models.DateTimeField(blank=True, null=True)),
                ('fulfilled_at', models.DateTimeField(blank=True, null=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('customer', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='orders.customer')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='OrderCounter',
            fields=[
                ('id', models.UUIDField(default=uuid.UUID('00000000-0000-0000-0000-000000000001'), editable=False, primary_key=True, serialize=False)),
                ('last', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', uuid.UUID('00000000-0000-0000-0000-000000000001'))), name='orders_counter_single'), models.CheckConstraint(condition=models.Q(('last__gte', 0)), name='orders_counter_positive')],
            },
        ),
        migrations.CreateModel(
            name='OrderLine',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.IntegerField()),
                ('sku', models.CharField(max_length=64, verbose_name='SKU')),
                ('description', models.CharField(max_length=200)),
                ('quantity', models.IntegerField()),
                ('unit_price', models.DecimalField(decimal_places=2, max_digits=12)),
                ('total', models.DecimalField(decimal_places=2, max_digits=14)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.order')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='order_lines', to='products.product')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['-created_at', '-id'], name='orders_order_created'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['status', '-created_at', '-id'], name='orders_order_status'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['customer', '-created_at', '-id'], name='orders_order_customer'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['-updated_at', '-id'], name='orders_order_updated'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(fields=['-placed_at', '-id'], name='orders_order_placed'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(fields=('number',), name='orders_order_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(fields=('external_reference',), name='orders_order_reference_unique'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('external_reference', ''), _negated=True), name='orders_order_reference_given'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('total__gte', 0)), name='orders_order_total_positive'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='orders_order_currency_iso'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['sale', 'cancellation'])), name='orders_order_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'placed', 'paid', 'fulfilled', 'closed', 'cancelled'])), name='orders_order_status_known'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['portal', 'api', 'import'])), name='orders_order_source_known'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('number__isnull', True), ('placed_at__isnull', True), ('status', 'draft')), models.Q(('number__isnull', True), ('placed_at__isnull', True), ('status', 'cancelled')), models.Q(('number__gt', 0), ('number__isnull', False), ('placed_at__isnull', False), models.Q(('status', 'draft'), _negated=True)), _connector='OR'), name='orders_order_numbered_once_placed'),
        ),
        migrations.AddIndex(
            model_name='orderline',
            index=models.Index(fields=['product'], name='orders_line_product'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.UniqueConstraint(fields=('order', 'position'), name='orders_line_position_unique'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('position__gt', 0)), name='orders_line_position_positive'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='orders_line_quantity_positive'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('unit_price__gte', 0)), name='orders_line_price_positive'),
        ),
        migrations.AddConstraint(
            model_name='orderline',
            constraint=models.CheckConstraint(condition=models.Q(('total', django.db.models.expressions.CombinedExpression(models.F('unit_price'), '*', models.F('quantity')))), name='orders_line_total_right'),
        ),
        # The counter's one row. Plain SQL, so that it runs unchanged in whichever schema is migrated.
        migrations.RunSQL(
            "INSERT INTO orders_ordercounter (id, last) VALUES ('00000000-0000-0000-0000-000000000001', 0)",
            "DELETE FROM orders_ordercounter",
        ),
    ]
