import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('products', '0008_catalog_rules'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='category',
            index=models.Index(fields=['-created_at', '-id'], name='products_category_created'),
        ),
        AddIndexConcurrently(
            model_name='category',
            index=models.Index(fields=['name', 'id'], name='products_category_name'),
        ),
        AddIndexConcurrently(
            model_name='category',
            index=django.contrib.postgres.indexes.GinIndex(fields=['ancestors'], name='products_category_ancestors'),
        ),
        AddIndexConcurrently(
            model_name='product',
            index=models.Index(fields=['price', 'id'], name='products_product_price'),
        ),
        AddIndexConcurrently(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='products_product_tags'),
        ),
        AddIndexConcurrently(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='products_product_search'),
        ),
        AddIndexConcurrently(
            model_name='product',
            index=django.contrib.postgres.indexes.GinIndex(fields=['name', 'sku'], name='products_product_typos', opclasses=['gin_trgm_ops', 'gin_trgm_ops']),
        ),
    ]
