from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

STATUSES = ["provisioning", "active", "maintenance", "suspended", "archived", "deleting"]


class Migration(migrations.Migration):

    dependencies = [
        ("clients", "0002_states"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(status__in=STATUSES), name="clients_client_status_known"
            ),
        ),
        AddConstraintNotValid(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(status="deleting", delete_after__isnull=False)
                | ~models.Q(status="deleting") & models.Q(delete_after__isnull=True),
                name="clients_client_delete_after",
            ),
        ),
    ]
