import django.db.models.deletion
import django.db.models.functions.text
import tenants.models
from django.db import migrations, models


unsafe_because = {
    "RunSQL": "One row for a table that this migration makes; nobody else knows the table yet.",
}


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Location',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('code', models.CharField(max_length=16)),
                ('name', models.CharField(max_length=120)),
                ('address', models.TextField(blank=True, default='')),
                ('is_default', models.BooleanField(default=False)),
                ('archived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('documents', models.IntegerField(db_default=0, default=0, editable=False)),
            ],
            options={
                'ordering': ['code'],
            },
        ),
        migrations.CreateModel(
            name='StockLevel',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('on_hand', models.IntegerField(default=0)),
                ('reserved', models.IntegerField(default=0)),
            ],
            options={
                'ordering': ['location', 'product'],
            },
        ),
        migrations.CreateModel(
            name='StockDocument',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('transfer', 'Transfer'), ('count', 'Count')], max_length=8)),
                ('status', models.CharField(choices=[('draft', 'Draft'), ('sent', 'On its way'), ('received', 'Received'), ('open', 'Open'), ('applied', 'Applied'), ('cancelled', 'Cancelled')], max_length=9)),
                ('number', models.CharField(max_length=32)),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='StockDocumentLine',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('expected', models.IntegerField()),
                ('actual', models.IntegerField(blank=True, null=True)),
                ('note', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='stockmovement',
            name='products_movement_reason_known',
        ),
        migrations.AddField(
            model_name='product',
            name='low_since',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='product',
            name='low_told_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='stockmovement',
            name='reason',
            field=models.CharField(choices=[('receipt', 'Receipt'), ('adjustment', 'Adjustment'), ('reservation', 'Reservation'), ('release', 'Release'), ('fulfilment', 'Fulfilment'), ('return', 'Return'), ('transfer', 'Transfer')], max_length=12),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(fields=['name', 'id'], name='products_location_name'),
        ),
        migrations.AddIndex(
            model_name='location',
            index=models.Index(fields=['-updated_at', '-id'], name='products_location_updated'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.UniqueConstraint(fields=('code',), name='products_location_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('is_default',), name='products_location_one_default'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('code', django.db.models.functions.text.Upper('code')), ('code__regex', '^[A-Z0-9][A-Z0-9._-]*$')), name='products_location_code_plain'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='products_location_name_given'),
        ),
        migrations.AddConstraint(
            model_name='location',
            constraint=models.CheckConstraint(condition=models.Q(('is_default', False), ('archived_at', None), _connector='OR'), name='products_location_default_live'),
        ),
        migrations.AddField(
            model_name='stockmovement',
            name='location',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='products.location'),
        ),
        migrations.AddField(
            model_name='stocklevel',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='products.location'),
        ),
        migrations.AddField(
            model_name='stocklevel',
            name='product',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='products.product'),
        ),
        migrations.AddField(
            model_name='stockdocument',
            name='destination',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='products.location'),
        ),
        migrations.AddField(
            model_name='stockdocument',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='products.location'),
        ),
        migrations.AddField(
            model_name='stockdocumentline',
            name='document',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='products.stockdocument'),
        ),
        migrations.AddField(
            model_name='stockdocumentline',
            name='product',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='products.product'),
        ),
        migrations.AddIndex(
            model_name='stocklevel',
            index=models.Index(fields=['location', 'product'], name='products_level_location'),
        ),
        migrations.AddIndex(
            model_name='stocklevel',
            index=models.Index(fields=['-updated_at', '-id'], name='products_level_updated'),
        ),
        migrations.AddConstraint(
            model_name='stocklevel',
            constraint=models.UniqueConstraint(fields=('product', 'location'), name='products_level_place_unique'),
        ),
        migrations.AddConstraint(
            model_name='stocklevel',
            constraint=models.CheckConstraint(condition=models.Q(('reserved__gte', 0)), name='products_level_reserved_positive'),
        ),
        migrations.AddConstraint(
            model_name='stocklevel',
            constraint=models.CheckConstraint(condition=models.Q(('on_hand__gte', models.F('reserved'))), name='products_level_not_oversold'),
        ),
        migrations.AddIndex(
            model_name='stockdocument',
            index=models.Index(fields=['kind', '-created_at', '-id'], name='products_document_kind'),
        ),
        migrations.AddIndex(
            model_name='stockdocument',
            index=models.Index(fields=['kind', 'status', '-created_at', '-id'], name='products_document_status'),
        ),
        migrations.AddIndex(
            model_name='stockdocument',
            index=models.Index(fields=['kind', '-updated_at', '-id'], name='products_document_updated'),
        ),
        migrations.AddIndex(
            model_name='stockdocument',
            index=models.Index(fields=['location', '-created_at'], name='products_document_location'),
        ),
        migrations.AddIndex(
            model_name='stockdocument',
            index=models.Index(fields=['destination', '-created_at'], name='products_document_destination'),
        ),
        migrations.AddConstraint(
            model_name='stockdocument',
            constraint=models.UniqueConstraint(fields=('number',), name='products_document_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='stockdocument',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'transfer'), ('status__in', ['draft', 'sent', 'received', 'cancelled'])), models.Q(('kind', 'count'), ('status__in', ['open', 'applied', 'cancelled'])), _connector='OR'), name='products_document_status_known'),
        ),
        migrations.AddConstraint(
            model_name='stockdocument',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('destination__isnull', False), ('kind', 'transfer'), models.Q(('destination', models.F('location')), _negated=True)), models.Q(('destination', None), ('kind', 'count')), _connector='OR'), name='products_document_destination_fits'),
        ),
        migrations.AddConstraint(
            model_name='stockdocument',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('status__in', ['received', 'applied', 'cancelled'])), models.Q(('ended_at', None), ('status__in', ['draft', 'sent', 'open'])), _connector='OR'), name='products_document_ended'),
        ),
        migrations.AddIndex(
            model_name='stockdocumentline',
            index=models.Index(fields=['product'], name='products_docline_product'),
        ),
        migrations.AddConstraint(
            model_name='stockdocumentline',
            constraint=models.UniqueConstraint(fields=('document', 'product'), name='products_docline_product_unique'),
        ),
        migrations.AddConstraint(
            model_name='stockdocumentline',
            constraint=models.CheckConstraint(condition=models.Q(('expected__gte', 0)), name='products_docline_expected_positive'),
        ),
        migrations.AddConstraint(
            model_name='stockdocumentline',
            constraint=models.CheckConstraint(condition=models.Q(('actual', None), ('actual__gte', 0), _connector='OR'), name='products_docline_actual_positive'),
        ),
        # The first location of every tenant. Plain SQL, so that it runs unchanged in whichever schema is migrated.
        migrations.RunSQL(
            "INSERT INTO products_location (id, created_at, updated_at, code, name, address, is_default)"
            " VALUES ('00000000-0000-7000-8000-000000000001', now(), now(), 'MAIN', 'Main location', '', true)",
            migrations.RunSQL.noop,
        ),
    ]
