from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0003_statuses"),
    ]

    operations = [
        ValidateConstraint(model_name="client", name="clients_client_status_known"),
        ValidateConstraint(model_name="client", name="clients_client_delete_after"),
    ]
