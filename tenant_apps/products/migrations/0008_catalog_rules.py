from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0007_catalog'),
    ]

    operations = [
        ValidateConstraint('category', 'products_category_not_too_deep'),
        ValidateConstraint('category', 'products_category_no_cycle'),
        ValidateConstraint('category', 'products_category_below_parent'),
        ValidateConstraint('product', 'products_product_one_level'),
        ValidateConstraint('product', 'products_product_parent_unstocked'),
        ValidateConstraint('product', 'products_product_language_known'),
        ValidateConstraint('product', 'products_product_compare_at_positive'),
        ValidateConstraint('product', 'products_product_cost_positive'),
    ]
