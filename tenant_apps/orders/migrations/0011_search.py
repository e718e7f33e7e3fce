import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('orders', '0010_order_unshipped_validated'),
    ]

    operations = [
        RemoveIndexConcurrently(
            model_name='customer',
            name='orders_customer_email',
        ),
        AddIndexConcurrently(
            model_name='customer',
            index=models.Index(django.db.models.functions.text.Upper('email'), name='orders_customer_any_email'),
        ),
        AddIndexConcurrently(
            model_name='customer',
            index=django.contrib.postgres.indexes.GinIndex(models.Func(models.Func(models.Func(models.F('name'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('company'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('email'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('reference'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('country'), template="coalesce(%(expressions)s, '')"), arg_joiner=" || ' ' || ", output_field=models.TextField(), template='(%(expressions)s)'), output_field=django.contrib.postgres.search.SearchVectorField(), template="to_tsvector('ext.rowhouse_simple', translate(%(expressions)s, '-_./\\@:&+#,;''()[]', '                 '))"), name='orders_customer_words'),
        ),
        AddIndexConcurrently(
            model_name='customer',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.Func(models.Func(models.F('name'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('company'), template="coalesce(%(expressions)s, '')"), models.Func(models.F('email'), template="coalesce(%(expressions)s, '')"), arg_joiner=" || ' ' || ", output_field=models.TextField(), template='(%(expressions)s)'), 'gin_trgm_ops'), name='orders_customer_typos'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['total', 'id'], name='orders_order_total'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('external_reference'), 'gin_trgm_ops'), condition=models.Q(('external_reference__isnull', False)), name='orders_order_reference_part'),
        ),
    ]
