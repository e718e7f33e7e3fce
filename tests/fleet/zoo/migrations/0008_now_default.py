from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    dependencies = [("zoo", "0007_uuid_default")]

    operations = [
        migrations.AddField("cage", "cleaned_at", models.DateTimeField(default=timezone.now)),
    ]
