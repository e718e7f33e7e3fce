import billing.models
import django.db.models.functions.datetime
import tenants.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='UsageRecord',
            fields=[
                ('id', models.UUIDField(default=tenants.models.uuid7, editable=False, primary_key=True, serialize=False)),
                ('tenant', models.TextField(db_default=billing.models.CurrentUser(), editable=False)),
                ('meter', models.CharField(max_length=60)),
                ('quantity', models.BigIntegerField()),
                ('idempotency_key', models.CharField(max_length=120)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['-occurred_at', '-id'],
                'indexes': [models.Index(fields=['tenant', 'meter', 'occurred_at'], name='billing_usage_meter')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'idempotency_key'), name='billing_usage_key_unique'), models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='billing_usage_quantity_positive'), models.CheckConstraint(condition=models.Q(('meter', ''), _negated=True), name='billing_usage_meter_given'), models.CheckConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), name='billing_usage_key_given')],
            },
        ),
    ]
