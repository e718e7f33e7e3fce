from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("users", "0004_token_kinds_validated"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="apitoken",
            index=models.Index(fields=["person", "-id"], name="users_apitoken_person"),
        ),
        AddIndexConcurrently(
            model_name="apitoken",
            index=models.Index(
                condition=models.Q(previous_digest__isnull=False),
                fields=["previous_digest"],
                name="users_apitoken_previous",
            ),
        ),
    ]
