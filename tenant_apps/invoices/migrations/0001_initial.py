import django.db.models.deletion
import tenants.models
import uuid
from django.db import migrations, models

unsafe_because = {"RunSQL": "It inserts the one row of a table that this migration makes."}


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orders', '0004_customers_validated'),
    ]

    operations = [
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('invoice', 'Invoice'), ('credit_note', 'Credit note')], max_length=11)),
                ('year', models.IntegerField()),
                ('number', models.BigIntegerField()),
                ('code', models.CharField(max_length=40)),
                ('currency', models.CharField(max_length=3)),
                ('total', models.DecimalField(decimal_places=2, max_digits=14)),
                ('language', models.CharField(max_length=10)),
                ('issued_at', models.DateTimeField()),
                ('snapshot', models.JSONField()),
                ('invoice', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='invoices.invoice')),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='orders.order')),
            ],
            options={
                'ordering': ['-issued_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='InvoiceCounter',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('invoice', 'Invoice'), ('credit_note', 'Credit note')], max_length=11)),
                ('year', models.IntegerField()),
                ('last', models.BigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'year'), name='invoices_counter_unique'), models.CheckConstraint(condition=models.Q(('last__gte', 0)), name='invoices_counter_positive'), models.CheckConstraint(condition=models.Q(('kind__in', ['invoice', 'credit_note'])), name='invoices_counter_kind_known')],
            },
        ),
        migrations.CreateModel(
            name='InvoiceFile',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('state', models.CharField(choices=[('queued', 'Being made'), ('ready', 'Ready'), ('failed', 'Failed')], default='queued', max_length=6)),
                ('path', models.CharField(blank=True, default='', max_length=200)),
                ('size', models.BigIntegerField(blank=True, null=True)),
                ('sha256', models.CharField(blank=True, default='', max_length=64)),
                ('error', models.CharField(blank=True, default='', max_length=300)),
                ('attempts', models.IntegerField(default=0)),
                ('invoice', models.OneToOneField(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='file', to='invoices.invoice')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Seller',
            fields=[
                ('id', models.UUIDField(default=uuid.UUID('00000000-0000-0000-0000-000000000001'), editable=False, primary_key=True, serialize=False)),
                ('legal_name', models.CharField(blank=True, default='', max_length=200)),
                ('line1', models.CharField(blank=True, default='', max_length=200, verbose_name='Address')),
                ('line2', models.CharField(blank=True, default='', max_length=200, verbose_name='Address, second line')),
                ('postal_code', models.CharField(blank=True, default='', max_length=20)),
                ('city', models.CharField(blank=True, default='', max_length=100)),
                ('region', models.CharField(blank=True, default='', max_length=100)),
                ('country', models.CharField(blank=True, default='', max_length=2)),
                ('vat_id', models.CharField(blank=True, default='', max_length=20, verbose_name='VAT id')),
                ('email', models.EmailField(blank=True, default='', max_length=254)),
                ('phone', models.CharField(blank=True, default='', max_length=40)),
                ('footer', models.TextField(blank=True, default='')),
                ('invoice_prefix', models.CharField(blank=True, default='INV-', max_length=10)),
                ('credit_note_prefix', models.CharField(blank=True, default='CN-', max_length=10)),
                ('payment_days', models.IntegerField(default=14)),
                ('issuing', models.CharField(choices=[('on_request', 'When somebody asks for it'), ('when_paid', 'When an order is paid'), ('when_fulfilled', 'When an order is fulfilled')], default='on_request', max_length=14)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', uuid.UUID('00000000-0000-0000-0000-000000000001'))), name='invoices_seller_single'), models.CheckConstraint(condition=models.Q(('country', ''), ('country__regex', '^[A-Z]{2}$'), _connector='OR'), name='invoices_seller_country_iso'), models.CheckConstraint(condition=models.Q(('payment_days__gte', 0), ('payment_days__lte', 365)), name='invoices_seller_days_sound'), models.CheckConstraint(condition=models.Q(('issuing__in', ['on_request', 'when_paid', 'when_fulfilled'])), name='invoices_seller_issuing_known'), models.CheckConstraint(condition=models.Q(('issuing', 'on_request'), models.Q(models.Q(('legal_name', ''), _negated=True), models.Q(('line1', ''), _negated=True), models.Q(('city', ''), _negated=True), models.Q(('country', ''), _negated=True)), _connector='OR'), name='invoices_seller_complete_to_issue'), models.CheckConstraint(condition=models.Q(('invoice_prefix', models.F('credit_note_prefix')), _negated=True), name='invoices_seller_prefixes_differ')],
            },
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['-issued_at', '-id'], name='invoices_invoice_issued'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['-created_at', '-id'], name='invoices_invoice_created'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['-updated_at', '-id'], name='invoices_invoice_updated'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['kind', '-issued_at', '-id'], name='invoices_invoice_kind'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(fields=['order', '-issued_at', '-id'], name='invoices_invoice_order'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('invoice__isnull', False)), fields=['invoice'], name='invoices_invoice_credits'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('kind', 'year', 'number'), name='invoices_invoice_number_unique'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(fields=('kind', 'code'), name='invoices_invoice_code_unique'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('invoice__isnull', True), ('kind', 'invoice')), models.Q(('invoice__isnull', False), ('kind', 'credit_note')), _connector='OR'), name='invoices_invoice_credit_refers'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('number__gt', 0)), name='invoices_invoice_number_positive'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('code', ''), _negated=True), name='invoices_invoice_code_given'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('total__gte', 0)), name='invoices_invoice_total_positive'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='invoices_invoice_currency_iso'),
        ),
        migrations.AddIndex(
            model_name='invoicefile',
            index=models.Index(condition=models.Q(('state', 'ready'), _negated=True), fields=['updated_at'], name='invoices_file_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='invoicefile',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('size__gt', 0), ('state', 'ready'), models.Q(('path', ''), _negated=True), models.Q(('sha256', ''), _negated=True)), models.Q(('path', ''), ('sha256', ''), ('size__isnull', True), ('state__in', ['queued', 'failed'])), _connector='OR'), name='invoices_file_ready_or_not'),
        ),
        migrations.AddConstraint(
            model_name='invoicefile',
            constraint=models.CheckConstraint(condition=models.Q(('attempts__gte', 0)), name='invoices_file_attempts_positive'),
        ),
        # The seller's one row. Plain SQL, so that it runs unchanged in whichever schema is migrated.
        migrations.RunSQL(
            "INSERT INTO invoices_seller (id, legal_name, line1, line2, postal_code, city, region, country, vat_id, "
            "email, phone, footer, invoice_prefix, credit_note_prefix, payment_days, issuing, updated_at) VALUES "
            "('00000000-0000-0000-0000-000000000001', '', '', '', '', '', '', '', '', '', '', '', 'INV-', 'CN-', 14, "
            "'on_request', '2000-01-01T00:00:00Z')",
            "DELETE FROM invoices_seller",
        ),
    ]
