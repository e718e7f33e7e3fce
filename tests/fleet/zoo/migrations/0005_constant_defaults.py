import datetime

from django.contrib.postgres.fields import array as arrays
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("zoo", "0004_through")]

    operations = [
        migrations.AddField("animal", "sound", models.CharField(max_length=20, default="it's 100% \"silence\"")),
        migrations.AddField("animal", "age", models.PositiveIntegerField(default=7)),
        migrations.AddField("animal", "facts", models.JSONField(default=dict)),
        migrations.AddField("animal", "names", arrays.ArrayField(models.CharField(max_length=10), default=list)),
        migrations.AddField("animal", "tame", models.BooleanField(default=True)),
        migrations.AddField("animal", "picture", models.BinaryField(default=b"\x00\x01%s")),
        migrations.AddField("ticket", "valid_for", models.DurationField(default=datetime.timedelta(days=1))),
    ]
