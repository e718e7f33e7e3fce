import django.contrib.postgres.fields
import django.db.models.deletion
import tenants.models
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Address',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('billing', 'Billing'), ('shipping', 'Shipping'), ('both', 'Billing and shipping')], default='both', max_length=8)),
                ('is_default', models.BooleanField(default=False)),
                ('name', models.CharField(blank=True, default='', max_length=200)),
                ('company', models.CharField(blank=True, default='', max_length=200)),
                ('line1', models.CharField(max_length=200, verbose_name='Address')),
                ('line2', models.CharField(blank=True, default='', max_length=200, verbose_name='Address, second line')),
                ('postal_code', models.CharField(blank=True, default='', max_length=20)),
                ('city', models.CharField(max_length=100)),
                ('region', models.CharField(blank=True, default='', max_length=100)),
                ('country', models.CharField(max_length=2)),
                ('phone', models.CharField(blank=True, default='', max_length=40)),
            ],
            options={
                'verbose_name_plural': 'addresses',
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CustomerNote',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('text', models.TextField()),
                ('author_label', models.CharField(editable=False, max_length=254, verbose_name='Author')),
            ],
            options={
                'verbose_name': 'note',
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='customer',
            name='company',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='customer',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='customer',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='customer',
            name='merged_into',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='absorbed', to='orders.customer'),
        ),
        migrations.AddField(
            model_name='customer',
            name='tags',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='customer',
            name='vat_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=20, verbose_name='VAT id'),
        ),
        migrations.AddField(
            model_name='order',
            name='billing_address',
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='shipping_address',
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        AddConstraintNotValid(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', models.F('id')), _negated=True), name='orders_customer_merged_elsewhere'),
        ),
        AddConstraintNotValid(
            model_name='customer',
            constraint=models.CheckConstraint(condition=models.Q(('erased_at', None), models.Q(('company', ''), ('email', ''), ('note', ''), ('phone', ''), ('reference', None), ('vat_id', '')), _connector='OR'), name='orders_customer_erased_wholly'),
        ),
        migrations.AddField(
            model_name='address',
            name='customer',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='addresses', to='orders.customer'),
        ),
        migrations.AddField(
            model_name='customernote',
            name='customer',
            field=models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='orders.customer'),
        ),
        migrations.AddIndex(
            model_name='address',
            index=models.Index(fields=['customer', 'created_at', 'id'], name='orders_address_customer'),
        ),
        migrations.AddIndex(
            model_name='address',
            index=models.Index(fields=['customer', 'updated_at', 'id'], name='orders_address_updated'),
        ),
        migrations.AddConstraint(
            model_name='address',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['billing', 'shipping', 'both'])), name='orders_address_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='address',
            constraint=models.CheckConstraint(condition=models.Q(('country__regex', '^[A-Z]{2}$')), name='orders_address_country_iso'),
        ),
        migrations.AddConstraint(
            model_name='address',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('line1', ''), _negated=True), models.Q(('city', ''), _negated=True)), name='orders_address_complete'),
        ),
        migrations.AddConstraint(
            model_name='address',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True), ('kind__in', ['billing', 'both'])), fields=('customer',), name='orders_address_default_billing'),
        ),
        migrations.AddConstraint(
            model_name='address',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True), ('kind__in', ['shipping', 'both'])), fields=('customer',), name='orders_address_default_shipping'),
        ),
        migrations.AddIndex(
            model_name='customernote',
            index=models.Index(fields=['customer', '-created_at', '-id'], name='orders_note_customer'),
        ),
        migrations.AddIndex(
            model_name='customernote',
            index=models.Index(fields=['customer', '-updated_at', '-id'], name='orders_note_updated'),
        ),
        migrations.AddConstraint(
            model_name='customernote',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='orders_note_given'),
        ),
    ]
