from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Rows of customers are noted beside those of products: table and columns stay, their names in code are new."""

    dependencies = [
        ('imports', '0003_kinds_validated'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name='importedproduct', name='imports_product_sku_unique'),
                migrations.RenameModel('ImportedProduct', 'ImportedRecord'),
                migrations.AlterModelTable('importedrecord', 'imports_importedproduct'),
                migrations.RenameField('importedrecord', 'sku', 'key'),
                migrations.RenameField('importedrecord', 'product_id', 'record_id'),
                migrations.AlterField('importedrecord', 'key', models.CharField(db_column='sku', max_length=64)),
                migrations.AlterField('importedrecord', 'record_id', models.UUIDField(db_column='product_id')),
                migrations.AlterField(
                    'importedrecord',
                    'job',
                    models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name='records', to='imports.import'),
                ),
                migrations.AddConstraint(
                    model_name='importedrecord',
                    constraint=models.UniqueConstraint(fields=('job', 'key'), name='imports_product_sku_unique'),
                ),
            ],
        ),
        migrations.AlterField(
            model_name='importedrecord',
            name='key',
            field=models.CharField(db_column='sku', max_length=254),
        ),
        migrations.AddField(
            model_name='import',
            name='customers_changed',
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.RemoveConstraint(
            model_name='import',
            name='imports_import_kind_known',
        ),
        migrations.AlterField(
            model_name='import',
            name='kind',
            field=models.CharField(choices=[('order_lines', 'Order lines'), ('products', 'Products'), ('customers', 'Customers')], default='order_lines', max_length=20),
        ),
        AddConstraintNotValid(
            model_name='import',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['order_lines', 'products', 'customers'])), name='imports_import_kind_known'),
        ),
    ]
