from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("clients", "0006_standing_validated"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="client",
            index=models.Index(
                fields=["access", "-created_at"],
                condition=~models.Q(access="full"),
                name="clients_client_access",
            ),
        ),
        AddIndexConcurrently(
            model_name="client",
            index=models.Index(
                fields=["trial_ends_at"],
                condition=models.Q(trial_ends_at__isnull=False),
                name="clients_client_trial_ends_at",
            ),
        ),
    ]
