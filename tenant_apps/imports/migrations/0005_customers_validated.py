from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0004_customers'),
    ]

    operations = [
        ValidateConstraint('import', 'imports_import_kind_known'),
    ]
