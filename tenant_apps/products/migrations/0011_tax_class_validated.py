from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('products', '0010_tax_class'),
    ]

    operations = [
        ValidateConstraint('product', 'products_product_tax_class_known'),
    ]
