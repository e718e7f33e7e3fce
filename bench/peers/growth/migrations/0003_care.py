from uuid import uuid4

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("growth", "0002_plant_note")]

    operations = [
        migrations.CreateModel(
            name="Care",
            fields=[
                ("id", models.UUIDField(default=uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20)),
                ("at", models.DateTimeField()),
                (
                    "plant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="cares", to="growth.plant"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["kind", "at"], name="growth_care_kind_at")]},
        ),
    ]
