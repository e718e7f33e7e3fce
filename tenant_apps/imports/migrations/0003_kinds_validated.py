from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0002_products_and_undo'),
    ]

    operations = [
        ValidateConstraint('import', 'imports_import_kind_known'),
        ValidateConstraint('import', 'imports_import_mode_known'),
    ]
