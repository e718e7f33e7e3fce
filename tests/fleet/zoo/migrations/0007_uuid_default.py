import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0006_database_defaults")]

    operations = [
        migrations.AddField("cage", "key", models.UUIDField(default=uuid.uuid4)),
    ]
