from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0005_standing"),
    ]

    operations = [
        ValidateConstraint(model_name="client", name="clients_client_access_known"),
        ValidateConstraint(model_name="client", name="clients_client_plan_version_counts"),
    ]
