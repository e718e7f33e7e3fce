from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("users", "0003_token_kinds"),
    ]

    operations = [
        ValidateConstraint(model_name="apitoken", name="users_apitoken_overlap"),
    ]
