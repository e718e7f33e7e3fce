
import django.db.models.deletion
import django.db.models.expressions
import tenants.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('order_lines', 'Order lines')], default='order_lines', max_length=20)),
                ('status', models.CharField(choices=[('uploaded', 'Uploaded'), ('ready', 'Ready'), ('running', 'Running'), ('cancelling', 'Cancelling'), ('cancelled', 'Cancelled'), ('failed', 'Failed'), ('done', 'Done')], default='uploaded', max_length=12)),
                ('phase', models.CharField(choices=[('waiting', 'Waiting'), ('reading', 'Reading the file'), ('products', 'Products'), ('customers', 'Customers'), ('orders', 'Orders'), ('finished', 'Finished')], default='waiting', max_length=12)),
                ('error', models.TextField(blank=True, default='')),
                ('created_by', models.CharField(max_length=200)),
                ('file_name', models.CharField(max_length=200)),
                ('file_path', models.CharField(max_length=200)),
                ('file_size', models.BigIntegerField()),
                ('file_sha256', models.CharField(max_length=64)),
                ('columns', models.JSONField(default=list)),
                ('sample', models.JSONField(default=list)),
                ('mapping', models.JSONField(default=dict)),
                ('options', models.JSONField(default=dict)),
                ('rows_read', models.BigIntegerField(default=0)),
                ('rows_imported', models.BigIntegerField(default=0)),
                ('rows_rejected', models.BigIntegerField(default=0)),
                ('rows_already_there', models.BigIntegerField(default=0)),
                ('products_created', models.BigIntegerField(default=0)),
                ('customers_created', models.BigIntegerField(default=0)),
                ('orders_created', models.BigIntegerField(default=0)),
                ('cancellations_created', models.BigIntegerField(default=0)),
                ('orders_skipped', models.BigIntegerField(default=0)),
                ('bytes_read', models.BigIntegerField(default=0)),
                ('staged_line', models.BigIntegerField(default=0)),
                ('applied_line', models.BigIntegerField(default=0)),
                ('lease', models.UUIDField(blank=True, editable=False, null=True)),
                ('attempts', models.IntegerField(default=0)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('seconds_working', models.FloatField(default=0)),
            ],
            options={
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['-created_at', '-id'], name='imports_import_created'), models.Index(fields=['-updated_at', '-id'], name='imports_import_updated'), models.Index(condition=models.Q(('status__in', ['running', 'cancelling'])), fields=['heartbeat_at'], name='imports_import_unfinished')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['order_lines'])), name='imports_import_kind_known'), models.CheckConstraint(condition=models.Q(('status__in', ['uploaded', 'ready', 'running', 'cancelling', 'cancelled', 'failed', 'done'])), name='imports_import_status_known'), models.CheckConstraint(condition=models.Q(('phase__in', ['waiting', 'reading', 'products', 'customers', 'orders', 'finished'])), name='imports_import_phase_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'done'), _negated=True), ('rows_read', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('rows_imported'), '+', models.F('rows_rejected')), '+', models.F('rows_already_there'))), _connector='OR'), name='imports_import_counts_add_up')],
            },
        ),
        migrations.CreateModel(
            name='RejectedRow',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('line', models.BigIntegerField()),
                ('reason', models.CharField(max_length=40)),
                ('detail', models.CharField(max_length=300)),
                ('fields', models.JSONField(default=list)),
                ('job', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='imports.import')),
            ],
            options={
                'ordering': ['line'],
                'constraints': [models.UniqueConstraint(fields=('job', 'line'), name='imports_rejected_line_unique')],
            },
        ),
        migrations.CreateModel(
            name='StagedLine',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('line', models.BigIntegerField()),
                ('invoice', models.CharField(max_length=64)),
                ('is_cancellation', models.BooleanField()),
                ('sku', models.CharField(max_length=64)),
                ('description', models.CharField(max_length=200)),
                ('quantity', models.IntegerField()),
                ('unit_price', models.DecimalField(decimal_places=2, max_digits=12)),
                ('placed_at', models.DateTimeField()),
                ('customer', models.CharField(max_length=64, null=True)),
                ('customer_name', models.CharField(max_length=200)),
                ('country', models.CharField(max_length=60)),
                ('job', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='imports.import')),
            ],
            options={
                'indexes': [models.Index(fields=['job', 'invoice'], name='imports_staged_invoice')],
            },
        ),
    ]
